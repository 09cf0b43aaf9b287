// A document in the list: its name, type, size and date, and the link to download it.
import { firstVisible } from "./focus.js";
import { bytes, day } from "./format.js";
import { Item } from "./item.js";
import { typeOfFile } from "./type-names.js";

/** A document on a board. */
export class DocumentItem extends Item {
  constructor({ image = null, ...options }) {
    super("document", options);
    this.part(".file").classList.add("unseen"); // the title shows the name
    this.part(".download").addEventListener("click", (event) => this.on.download(this, event));
    this.label();
    this.#describe();
    if (image) this.record(image);
  }

  get handle() { return firstVisible(this.part(".download"), this.part(".delete")); }
  /** Return the signed URL; undefined if the token does not allow reading. */
  get url() { return this.image?.image_url ?? undefined; }

  record(image) {
    // The answer of an upload has no URL; the next reading of the list has one.
    const isSame = this.image?.id === image.id;
    super.record(isSame ? { ...image, image_url: image.image_url ?? this.image.image_url } : image);
    this.#describe();
    const link = this.part(".download");
    link.hidden = !this.url;
    if (this.url) link.href = this.url;
    else link.removeAttribute("href");
  }

  /** A list shows no positions. */
  place() {}

  label() {
    super.label();
    this.part(".download").setAttribute("aria-label", `Download ${this.name}`);
  }

  #describe() {
    const { image, file, name } = this;
    const type = typeOfFile(image?.content_type ?? file?.type, name);
    const size = image?.size ?? file?.size;
    this.part(".title").textContent = this.part(".title").title = name;
    this.part(".kind").textContent = type.slice(0, 5);
    const facts = [type, size !== undefined && bytes(size), image && day(image.created_at)];
    this.part(".facts").textContent = facts.filter(Boolean).join(" · ");
  }
}
