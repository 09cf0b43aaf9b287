// A photo in the grid: its picture, description and place.
import { firstVisible } from "./focus.js";
import { Item } from "./item.js";
import { showPicture } from "./picture.js";
import { drawThumbnail } from "./thumbnails.js";

const SIZES = "(max-width: 36rem) 50vw, 15rem"; // the width of a tile, see photos.css

/** A photo on a board. */
export class Photo extends Item {
  constructor({ image = null, ...options }) {
    super("photo", options);
    this.#listen();
    this.label();
    if (image) this.record(image);
    if (this.file) this.#preview();
  }

  get altText() { return this.part(".alt").value.trim(); }
  set altText(text) { this.part(".alt").value = text; }
  get grip() { return this.part(".grip"); }
  get handle() { return firstVisible(this.grip, this.part(".delete")); }

  get unsent() {
    const changes = {};
    if (this.image && this.altText !== this.image.alt_text) changes.alt_text = this.altText;
    if (this.image && this.order !== this.image.order) changes.order = this.order;
    return changes;
  }

  record(image) {
    const alt = this.part(".alt");
    // Keep a text that the user is typing, or typed before the upload ended. It will be saved soon.
    const isKept = alt.value.trim() !== (this.image?.alt_text ?? "") || document.activeElement === alt;
    if (!isKept) alt.value = image.alt_text;
    super.record(image);
    const shown = this.part("img.thumb");
    // A file that this browser cannot read, such as HEIC, is a JPEG now.
    const isPreviewed = this.file && this.part(".blank").hidden;
    if (!isPreviewed && shown.getAttribute("src") !== image.image_url) {
      showPicture(shown, image, SIZES);
      shown.hidden = false;
      this.part(".blank").hidden = true;
    }
  }

  /** Set the photo's position in the labels and buttons. */
  place(index, count) {
    const which = `photo ${index + 1} of ${count}, ${this.name}`;
    this.grip.setAttribute("aria-label", `Move ${which}`);
    this.part(".alt").readOnly = !this.on.may("update");
    this.part(".earlier").disabled = index === 0;
    this.part(".later").disabled = index === count - 1;
    this.part(".badge").hidden = index > 0 || this.on.profile.keeps_one;
    const star = this.part(".star");
    star.setAttribute("aria-pressed", String(index === 0));
    star.setAttribute("aria-label", `Make ${this.name} the main photo`);
  }

  invalid(isInvalid) {
    this.part(".alt").toggleAttribute("aria-invalid", false);
    if (isInvalid) this.part(".alt").setAttribute("aria-invalid", "true");
  }

  label() {
    super.label();
    const { name } = this;
    this.part(".alt").setAttribute("aria-label", `Description of ${name}`);
    this.part("img.thumb").alt = this.altText;
    this.part(".earlier").setAttribute("aria-label", `Move ${name} earlier`);
    this.part(".later").setAttribute("aria-label", `Move ${name} later`);
  }

  #listen() {
    const act = (selector, react) => this.part(selector).addEventListener("click", react);
    act(".star", ({ currentTarget }) => this.on.move(this, -Infinity, currentTarget));
    act(".earlier", ({ currentTarget }) => this.on.move(this, -1, currentTarget));
    act(".later", ({ currentTarget }) => this.on.move(this, 1, currentTarget));
    this.part(".alt").addEventListener("change", () => this.on.described(this));
    this.part("img.thumb").addEventListener("error", () => this.#blank(true)); // this browser cannot show the file type
  }

  async #preview() {
    const canvas = this.part("canvas.thumb");
    const drawn = await drawThumbnail(this.file, canvas);
    canvas.hidden = !drawn;
    this.#blank(!drawn);
  }

  /** Show the file type instead of a picture. */
  #blank(isBlank) {
    const blank = this.part(".blank");
    blank.hidden = !isBlank;
    if (isBlank) this.part("img.thumb").hidden = true;
    blank.querySelector(".kind").textContent = this.name.split(".").pop().toUpperCase().slice(0, 5);
  }
}
