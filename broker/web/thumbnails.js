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
    // Not drawn by the GPU: WebKit shows a canvas of the GPU as blank after it was moved on the page.
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(bitmap, 0, 0); // throws on a phone that has no canvas memory left
    return true;
  } catch {
    return false;
  } finally {
    bitmap?.close();
  }
}
