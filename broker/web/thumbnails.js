// Small previews of files: decoded off the page's thread, one after the other, at a reduced size.

const WIDTH = 480; // pixels, twice the width of a tile
let turn = Promise.resolve();

/** Draw a file's preview. Returns false if the browser cannot read it; most browsers cannot read HEIC. */
export function drawThumbnail(file, canvas) {
  turn = turn.then(() => draw(file, canvas));
  return turn;
}

async function draw(file, canvas) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(file, { resizeWidth: WIDTH, resizeQuality: "medium" });
    canvas.width = bitmap.width;
    canvas.height = bitmap.height;
    canvas.getContext("2d").drawImage(bitmap, 0, 0); // throws on a phone that has no canvas memory left
    return true;
  } catch {
    return false;
  } finally {
    bitmap?.close();
  }
}
