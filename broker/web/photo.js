// One photo in the grid: being uploaded, failed or recorded. Its board handles the actions.
import { percent } from "./format.js";
import { messageOf } from "./messages.js";
import { showPicture } from "./picture.js";
import { drawThumbnail } from "./thumbnails.js";

const template = document.getElementById("photo");
const PHASES = {
  queued: () => "Queued",
  hashing: ({ loaded, total }) => `Checking ${percent(loaded / total)}`,
  sending: ({ loaded, total }) => percent(loaded / total),
  waiting: () => (navigator.onLine ? "Retrying" : "Waiting for the network"),
  confirming: () => "Finishing",
  processing: () => "Processing",
  paused: () => "Paused",
};
const SIZES = "(max-width: 36rem) 50vw, 15rem"; // the width of a tile, see photos.css

/** A photo: `image` once it is published, `file` if it was chosen in this tab, otherwise its `name`. */
export class Photo {
  image = null; upload = null; error = null;
  sent = 0; // bytes of the file that S3 has
  phase = "queued";
  #on; #parts; #name; #cancelling = false;

  constructor({ image = null, file = null, name = null, order, on }) {
    this.#name = name;
    this.file = file;
    this.order = order;
    this.#on = on;
    this.element = template.content.firstElementChild.cloneNode(true);
    this.#parts = (selector) => this.element.querySelector(selector);
    this.#listen();
    if (image) this.record(image);
    if (file) this.#preview();
  }

  get name() {
    return this.file?.name || this.image?.image.split("/").pop() || this.#name || "Pasted photo";
  }

  get state() { return this.element.dataset.state; }
  get altText() { return this.#parts(".alt").value.trim(); }
  set altText(text) { this.#parts(".alt").value = text; }
  get grip() { return this.#parts(".grip"); }
  get hasFocus() { return this.element.contains(document.activeElement); }

  /** Return the changes to a recorded photo that are not saved at the broker. */
  get unsent() {
    const changes = {};
    if (this.image && this.altText !== this.image.alt_text) changes.alt_text = this.altText;
    if (this.image && this.order !== this.image.order) changes.order = this.order;
    return changes;
  }

  /** Follow an upload until it ends. Returns whether there is an image. */
  async follow(upload) {
    this.upload = upload;
    this.error = null;
    this.#cancelling = false;
    this.#become("under-way", () => this.grip);
    try {
      this.record(await upload);
      return true;
    } catch (error) {
      this.upload = null;
      if (error.code === "aborted") this.#on.gone(this);
      else this.fail(error);
      return false;
    }
  }

  progress({ phase, loaded, total }) {
    this.phase = phase;
    if (this.#cancelling) return;
    if (phase === "sending") this.sent = loaded;
    if (["confirming", "processing", "done"].includes(phase)) this.sent = total;
    if (phase === "hashing") this.sent = 0;
    const textOf = PHASES[phase];
    if (!textOf) return;
    this.#parts(".phase").textContent = textOf({ loaded, total });
    this.#parts(".under-way progress").value = this.sent / total;
    this.element.toggleAttribute("data-processing", phase === "processing");
    const pause = this.#parts(".pause");
    if (phase === "processing" && pause === document.activeElement) this.grip.focus();
    pause.hidden = phase === "processing"; // nothing is sent any more
    pause.querySelector("use").setAttribute("href", phase === "paused" ? "#play" : "#pause");
    pause.setAttribute("aria-label", `${phase === "paused" ? "Resume" : "Pause"} ${this.name}`);
  }

  /** Show a recorded image, perhaps changed by another tab. */
  record(image) {
    const alt = this.#parts(".alt");
    // Keep a text that the user is typing, or typed before the upload ended. It will be saved soon.
    const isKept = alt.value.trim() !== (this.image?.alt_text ?? "") || document.activeElement === alt;
    if (!isKept) alt.value = image.alt_text;
    this.image = image;
    this.upload = null;
    this.phase = "done";
    this.#become("recorded", () => this.grip);
    const shown = this.#parts("img.thumb");
    // A file that this browser cannot read, such as HEIC, is a JPEG now.
    const isPreviewed = this.file && this.#parts(".blank").hidden;
    if (!isPreviewed && shown.getAttribute("src") !== image.image_url) {
      showPicture(shown, image, SIZES);
      shown.hidden = false;
      this.#parts(".blank").hidden = true;
    }
    this.#setLabels();
  }

  /** Change the state. If this hides the focused element, move the focus to `next()`. */
  #become(state, next) {
    const hadFocus = [".under-way", ".failure"].some((part) => this.#parts(part).contains(document.activeElement));
    const was = this.state;
    this.element.dataset.state = state;
    this.#parts(".failure").hidden = state !== "failed";
    if (hadFocus && was !== state) next().focus();
  }

  fail(error) {
    this.error = error;
    this.phase = "failed";
    const { what, why, again } = messageOf(error, this.#on.profile);
    this.#parts(".file").textContent = this.#parts(".file").title = this.name;
    this.#parts(".fault").textContent = what;
    this.#parts(".why").textContent = why;
    this.#parts(".again").hidden = !again;
    this.#become("failed", () => this.#parts(again ? ".again" : ".remove"));
    this.#setLabels();
  }

  /** Set the photo's position in the labels and buttons. */
  place(index, count) {
    const which = `photo ${index + 1} of ${count}, ${this.name}`;
    this.grip.setAttribute("aria-label", `Move ${which}`);
    this.#parts(".earlier").disabled = index === 0;
    this.#parts(".later").disabled = index === count - 1;
    this.#parts(".badge").hidden = index > 0;
    const star = this.#parts(".star");
    star.setAttribute("aria-pressed", String(index === 0));
    star.setAttribute("aria-label", `Make ${this.name} the main photo`);
  }

  invalid(isInvalid) {
    this.#parts(".alt").toggleAttribute("aria-invalid", false);
    if (isInvalid) this.#parts(".alt").setAttribute("aria-invalid", "true");
  }

  #setLabels() {
    const { name } = this;
    this.#parts(".alt").setAttribute("aria-label", `Description of ${name}`);
    this.#parts("img.thumb").alt = this.altText;
    this.#parts(".under-way progress").setAttribute("aria-label", `Upload of ${name}`);
    for (const [selector, label] of [
      [".earlier", `Move ${name} earlier`], [".later", `Move ${name} later`], [".delete", `Delete ${name}`],
      [".cancel", `Cancel ${name}`], [".pause", `Pause ${name}`],
      [".again", `Try again: ${name}`], [".remove", `Remove ${name}`],
    ]) this.#parts(selector).setAttribute("aria-label", label);
  }

  #listen() {
    this.element.dataset.state = "under-way";
    this.#setLabels();
    const on = (selector, act) => this.#parts(selector).addEventListener("click", act);
    on(".pause", () => (this.phase === "paused" ? this.upload?.resume() : this.upload?.pause()));
    on(".cancel", () => this.cancel());
    on(".again", () => this.#on.again(this));
    on(".remove", () => this.#on.gone(this));
    on(".delete", () => this.#on.remove(this));
    on(".star", ({ currentTarget }) => this.#on.move(this, -Infinity, currentTarget));
    on(".earlier", ({ currentTarget }) => this.#on.move(this, -1, currentTarget));
    on(".later", ({ currentTarget }) => this.#on.move(this, 1, currentTarget));
    this.#parts(".alt").addEventListener("change", () => this.#on.described(this));
    this.#parts("img.thumb").addEventListener("error", () => this.#blank(true)); // this browser cannot show the file type
  }

  cancel() {
    if (!this.upload || this.#cancelling) return;
    this.#cancelling = true;
    this.#parts(".phase").textContent = "Cancelling";
    this.upload.cancel().catch(() => {}); // `follow` handles the error
  }

  async #preview() {
    const canvas = this.#parts("canvas.thumb");
    const drawn = await drawThumbnail(this.file, canvas);
    canvas.hidden = !drawn;
    this.#blank(!drawn);
  }

  /** Show the file type instead of a picture. */
  #blank(isBlank) {
    const blank = this.#parts(".blank");
    blank.hidden = !isBlank;
    if (isBlank) this.#parts("img.thumb").hidden = true;
    blank.querySelector(".kind").textContent = this.name.split(".").pop().toUpperCase().slice(0, 5);
  }
}
