// Crop a square out of a photo: drag, zoom, and round previews.

const SIDE = 512; // pixels, the width and height of the result
const LARGEST = 2048; // pixels, the longest side of the decoded photo
const STEP = 0.04; // one press of an arrow key, as a share of the stage's side
const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** The crop area and its round previews. */
export class Crop {
  #stage; #rounds; #zoom; #picture = null;
  #turn = 0; // the number of calls: decoding takes time, and only the last call may draw
  #at = { x: 0.5, y: 0.5 }; // the point in the middle of the square, as shares of the picture's width and height

  constructor(stage, rounds, zoom) {
    this.#stage = stage;
    this.#rounds = rounds;
    this.#zoom = zoom;
    zoom.addEventListener("input", () => this.#draw());
    stage.addEventListener("pointerdown", (event) => stage.setPointerCapture(event.pointerId));
    stage.addEventListener("pointermove", (event) => {
      if (!stage.hasPointerCapture(event.pointerId)) return;
      this.#shift(event.movementX / stage.clientWidth, event.movementY / stage.clientHeight);
    });
    stage.addEventListener("wheel", (event) => {
      event.preventDefault();
      zoom.value = Number(zoom.value) * (event.deltaY < 0 ? 1.08 : 1 / 1.08);
      this.#draw();
    });
    stage.addEventListener("keydown", (event) => {
      const way = KEYS[event.key];
      if (!way) return;
      event.preventDefault();
      this.#shift(way[0] * STEP, way[1] * STEP);
    });
  }

  /** Show a file. Rejects if the browser cannot read it. */
  async open(file) {
    const turn = ++this.#turn;
    let picture = await createImageBitmap(file);
    const scale = Math.min(1, LARGEST / Math.max(picture.width, picture.height));
    if (scale < 1) {
      const large = picture;
      picture = await createImageBitmap(large, {
        resizeWidth: Math.round(large.width * scale), resizeHeight: Math.round(large.height * scale), resizeQuality: "high",
      });
      large.close();
    }
    if (turn !== this.#turn) return picture.close();
    this.#picture?.close();
    this.#picture = picture;
    this.#at = { x: 0.5, y: 0.5 };
    this.#zoom.value = 1;
    this.#draw();
  }

  /** Show the current profile photo, or nothing. */
  async show(url) {
    const turn = ++this.#turn;
    this.#picture?.close();
    this.#picture = null;
    const shown = new Image();
    if (url) {
      shown.src = url;
      await shown.decode().catch(() => {}); // the previews stay empty
    }
    if (turn !== this.#turn) return;
    for (const canvas of [this.#stage, ...this.#rounds]) {
      const context = canvas.getContext("2d");
      context.clearRect(0, 0, canvas.width, canvas.height);
      if (shown.naturalWidth) this.#paint(canvas, shown, squareOf(shown.naturalWidth, shown.naturalHeight, 1, { x: 0.5, y: 0.5 }));
    }
  }

  /** Return the square as a JPEG file. */
  async file() {
    const canvas = Object.assign(document.createElement("canvas"), { width: SIDE, height: SIDE });
    this.#paint(canvas, this.#picture, this.#square());
    const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.9));
    return new File([blob], "profile.jpg", { type: "image/jpeg" });
  }

  #square() {
    return squareOf(this.#picture.width, this.#picture.height, Number(this.#zoom.value), this.#at);
  }

  #shift(x, y) {
    if (!this.#picture) return;
    const { side } = this.#square();
    this.#at.x -= (x * side) / this.#picture.width;
    this.#at.y -= (y * side) / this.#picture.height;
    this.#draw();
  }

  #draw() {
    if (!this.#picture) return;
    const square = this.#square();
    // The picture must cover the whole square.
    this.#at = { x: (square.x + square.side / 2) / this.#picture.width, y: (square.y + square.side / 2) / this.#picture.height };
    for (const canvas of [this.#stage, ...this.#rounds]) this.#paint(canvas, this.#picture, square);
    const context = this.#stage.getContext("2d");
    const { width } = this.#stage;
    context.beginPath();
    context.rect(0, 0, width, width);
    context.arc(width / 2, width / 2, width / 2 - 2, 0, 2 * Math.PI, true);
    context.fillStyle = "rgb(15 13 10 / 55%)";
    context.fill();
  }

  #paint(canvas, picture, { x, y, side }) {
    const context = canvas.getContext("2d");
    context.fillStyle = "#fff"; // JPEG has no transparency
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.imageSmoothingQuality = "high";
    context.drawImage(picture, x, y, side, side, 0, 0, canvas.width, canvas.height);
  }
}

/** Return the visible square of a picture, in its own pixels. */
function squareOf(width, height, zoom, at) {
  const side = Math.min(width, height) / zoom;
  const within = (middle, whole) => Math.max(0, Math.min(whole - side, middle * whole - side / 2));
  return { x: within(at.x, width), y: within(at.y, height), side };
}
