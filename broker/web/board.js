// One listing's photos, in order: those the listing has, and those on their way to it.
import { BrokerError } from "./client/broker.js";
import { announce } from "./announce.js";
import { sure } from "./dialogs.js";
import { isSameFile } from "./files.js";
import { Photo } from "./photo.js";
import { reorderable, step } from "./reorder.js";

/** The photos of one listing; `told()` is called after each change, `tell(error)` shows a failure. */
export class Board {
  version = 0; // of what the broker has, as far as this tab has changed it
  #broker; #profile; #told; #tell; #photos = new Map(); #edits = Promise.resolve();

  constructor(ad, { broker, profile, told, tell }) {
    this.ad = ad;
    this.#broker = broker;
    this.#profile = profile;
    this.#told = told;
    this.#tell = tell;
    this.grid = Object.assign(document.createElement("ol"), { className: "grid" });
    this.grid.setAttribute("aria-label", "Photos of this listing, the main one first");
    reorderable(this.grid, (item) => this.#moved(this.#photos.get(item)));
  }

  get photos() { return [...this.grid.children].map((item) => this.#photos.get(item)).filter(Boolean); }
  /** Resolves once what was changed here has been sent. */
  get settled() { return this.#edits; }
  /** Whether something is shown that the broker does not have. */
  get unsent() { return this.photos.some((one) => Object.keys(one.unsent).length > 0); }
  /** The files that are here and not recorded. */
  get files() { return this.photos.filter((one) => one.file && !one.image).map((one) => one.file); }
  get places() { return this.#profile.max_count - this.photos.filter((one) => one.state !== "failed").length; }

  /** Show what the listing has by now, and keep what is on its way. */
  show(images) {
    const ids = new Set(images.map((image) => image.id));
    const recorded = new Map(this.photos.filter((one) => one.image).map((one) => [one.image.id, one]));
    for (const [id, photo] of recorded) if (!ids.has(id)) this.#drop(photo);
    // Where a photo was moved here and the broker does not know it yet, it stays.
    const moved = new Map([...recorded].filter(([, one]) => "order" in one.unsent).map(([id, one]) => [id, one.order]));
    const orderOf = (image) => moved.get(image.id) ?? image.order;
    [...images].sort((one, other) => orderOf(one) - orderOf(other)).forEach((image, index) => {
      const known = recorded.get(image.id);
      if (known) known.record(image);
      const photo = known ?? this.#make({ image, order: image.order });
      photo.order = orderOf(image);
      // Only what stands wrongly is moved: moving takes focus, and a drag, from it.
      const here = this.photos.filter((one) => one.image)[index];
      if (here !== photo) this.grid.insertBefore(photo.element, here?.element ?? null);
    });
    this.#changed();
  }

  /** Upload files, as many as there are places for; gives their photos. One that failed goes on in its place. */
  add(files) {
    const failed = new Map(files.map((file) => [file, this.photos.find((one) => one.error && isSameFile(one.file, file))]));
    for (const [file, photo] of failed) {
      if (!photo) continue;
      photo.file = file; // the old one may not be readable any more
      this.#again(photo);
    }
    const more = this.#add(files.filter((file) => !failed.get(file)));
    return [...failed.values()].filter((one) => one?.upload).concat(more);
  }

  #add(files) {
    const free = Math.max(0, this.places);
    const last = Math.max(0, ...this.photos.map((one) => one.order));
    const added = files.map((file, index) => {
      const photo = this.#make({ file, order: last + 1 + index });
      this.grid.append(photo.element);
      return photo;
    });
    const sent = added.slice(0, free);
    for (const photo of added.slice(free)) photo.fail(new BrokerError("image_limit_reached", "The listing is full."));
    if (sent.length) {
      const uploads = this.#broker.uploadAll(sent.map((one) => one.file), {
        ad: this.ad, each: (_, index) => this.#options(sent[index]),
      });
      [...uploads].forEach((upload, index) => this.#follow(sent[index], upload));
    }
    this.#changed();
    return sent;
  }

  #make(options) {
    const on = {
      profile: this.#profile,
      again: (photo) => this.#again(photo),
      gone: (photo) => this.#gone(photo),
      remove: (photo) => this.#remove(photo),
      described: (photo) => this.#settle(photo),
      move: (photo, by, button) => {
        if (step(this.grid, photo.element, by)) this.#moved(photo);
        (button?.disabled ? photo.grip : button)?.focus(); // moving an element takes the focus from it
      },
    };
    const photo = new Photo({ ...options, on });
    this.#photos.set(photo.element, photo);
    return photo;
  }

  #options(photo) {
    const { altText, order } = photo;
    return { altText: altText || undefined, order, onProgress: (now) => { photo.progress(now); this.#told(); } };
  }

  async #follow(photo, upload) {
    if (await photo.follow(upload)) {
      this.version++;
      const shown = this.#merged(photo);
      this.#settle(shown);
      this.#changed();
      if (shown !== photo) announce(`${photo.name} was there already.`);
      return;
    }
    if (photo.error) announce(`${photo.name} failed.`);
    this.#changed();
  }

  /** Of two tiles that turn out to be one image, because the same file was chosen twice, leave one. */
  #merged(photo) {
    const other = this.photos.find((one) => one !== photo && one.image?.id === photo.image.id);
    if (!other) return photo;
    const { hasFocus, altText } = photo;
    if (altText && !other.altText) other.altText = altText;
    other.record(photo.image);
    this.#drop(photo);
    if (hasFocus) other.grip.focus();
    return other;
  }

  #again(photo) {
    if (this.places < 1) return photo.fail(new BrokerError("image_limit_reached", "The listing is full."));
    this.#follow(photo, this.#broker.upload(photo.file, { ad: this.ad, ...this.#options(photo) }));
    this.#changed();
  }

  #moved(photo) {
    this.#changed();
    announce(`${photo.name} is photo ${this.photos.indexOf(photo) + 1} of ${this.photos.length} now.`);
    const orders = this.photos.map((one) => one.order);
    if (orders.some((order, index) => index > 0 && order <= orders[index - 1])) {
      this.photos.forEach((one, index) => { one.order = index; });
    }
    for (const one of this.photos) this.#settle(one);
  }

  /** Bring what is recorded of a photo to what the page shows: one request after the other. */
  #settle(photo) {
    this.version++;
    this.#edits = this.#edits.then(async () => {
      const body = photo.unsent;
      const isThere = () => this.#photos.has(photo.element);
      if (!isThere() || !Object.keys(body).length) return; // not recorded yet, or deleted, or the same again
      try {
        photo.record(await this.#ask("PATCH", photo, body));
        photo.invalid(false);
        this.#told({ changed: this.ad });
      } catch (error) {
        if (!isThere()) return;
        if (error.code === "not_found") return this.#told({ changed: this.ad }); // another tab has deleted it
        photo.invalid(Boolean(error.errors?.alt_text));
        this.#tell(error);
      }
    });
  }

  #ask(method, photo, body) {
    const path = `/api/ads/${this.ad}/images/${photo.image.id}/`;
    return this.#broker.request(method, path, { body, onWaiting: this.#tell });
  }

  /** Send what could not be sent before. */
  settle() {
    for (const photo of this.photos) if (Object.keys(photo.unsent).length) this.#settle(photo);
  }

  async #remove(photo) {
    const yes = await sure({ title: "Delete this photo?", text: `${photo.name} disappears from the listing at once.`, yes: "Delete" });
    if (!yes) return;
    try {
      await this.#ask("DELETE", photo);
    } catch (error) {
      if (error.code !== "not_found") return this.#tell(error);
    }
    this.version++;
    this.#gone(photo);
    announce(`${photo.name} is deleted.`);
    this.#told({ changed: this.ad });
  }

  /** Take a photo from the grid; the focus goes to the one that takes its place. */
  #gone(photo) {
    const { hasFocus } = photo;
    const next = photo.element.nextElementSibling ?? photo.element.previousElementSibling;
    this.#drop(photo);
    this.#changed();
    if (hasFocus) (this.#photos.get(next)?.grip ?? document.getElementById("choose")).focus();
  }

  #drop(photo) {
    this.#photos.delete(photo.element);
    photo.element.remove();
  }

  #changed() {
    const { photos } = this;
    photos.forEach((photo, index) => photo.place(index, photos.length));
    this.#told();
  }
}
