// Small previews of files: decoded off the page's thread, one after the other, never as large as the photo.

const WIDTH = 480; // pixels: a tile's, twice
let turn = Promise.resolve();

/** Draw a file's preview; false where the browser cannot read it, as with HEIC in most. */
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
    canvas.getContext("2d").drawImage(bitmap, 0, 0); // a phone whose canvases are used up gives none
    return true;
  } catch {
    return false;
  } finally {
    bitmap?.close();
  }
}
