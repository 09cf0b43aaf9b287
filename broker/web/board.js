// One listing's photos, in order: those the listing has, and those on their way to it.
import { BrokerError } from "./client/broker.js";
import { announce } from "./announce.js";
import { sure } from "./dialogs.js";
import { Photo } from "./photo.js";
import { reorderable, step } from "./reorder.js";

/** The photos of one listing; `told()` is called after each change, `tell(error)` shows a failure. */
export class Board {
  version = 0; // of what the broker has, as far as this tab has changed it
  #session; #broker; #profile; #told; #tell; #photos = new Map(); #edits = Promise.resolve();

  constructor(ad, { session, broker, profile, told, tell }) {
    this.ad = ad;
    this.#session = session;
    this.#broker = broker;
    this.#profile = profile;
    this.#told = told;
    this.#tell = tell;
    this.grid = Object.assign(document.createElement("ol"), { className: "grid" });
    this.grid.setAttribute("aria-label", "Photos of this listing, the main one first");
    reorderable(this.grid, (item) => this.#moved(this.#photos.get(item)));
  }

  get photos() { return [...this.grid.children].map((item) => this.#photos.get(item)); }
  /** Resolves once what was changed here has been sent. */
  get settled() { return this.#edits; }
  get places() { return this.#profile.max_count - this.photos.filter((one) => one.state !== "failed").length; }

  /** Show what the listing has by now, and keep what is on its way. */
  show(images) {
    const ids = new Set(images.map((image) => image.id));
    const recorded = new Map(this.photos.filter((one) => one.image).map((one) => [one.image.id, one]));
    for (const [id, photo] of recorded) if (!ids.has(id)) this.#drop(photo);
    images.forEach((image, index) => {
      const known = recorded.get(image.id);
      if (known) known.record(image);
      const photo = known ?? this.#make({ image, order: image.order });
      photo.order = image.order;
      // Only what stands wrongly is moved: moving takes focus, and a drag, from it.
      const here = this.photos.filter((one) => one.image)[index];
      if (here !== photo) this.grid.insertBefore(photo.element, here?.element ?? null);
    });
    this.#changed();
  }

  /** Upload files, as many as there are places for; gives their photos. */
  add(files) {
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
    return { altText, order, onProgress: (now) => { photo.progress(now); this.#told(); } };
  }

  async #follow(photo, upload) {
    if (await photo.follow(upload)) {
      this.version++;
      this.#settle(photo);
    } else if (photo.error) {
      announce(`${photo.name} failed.`);
    }
    this.#changed();
  }

  #again(photo) {
    if (this.places < 1) return photo.fail(new BrokerError("image_limit_reached", "The listing is full."));
    this.#follow(photo, this.#broker.upload(photo.file, { ad: this.ad, ...this.#options(photo) }));
    photo.grip.focus();
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
      const { image, altText, order } = photo;
      if (!image || !this.#photos.has(photo.element)) return; // not there yet, or not any more
      if (image.alt_text === altText && image.order === order) return;
      try {
        photo.record(await this.#session.api("PATCH", `/api/ads/${this.ad}/images/${image.id}/`, { alt_text: altText, order }));
        photo.invalid(false);
        this.#told({ changed: this.ad });
      } catch (error) {
        photo.invalid(Boolean(error.errors?.alt_text));
        this.#tell(error);
      }
    });
  }

  async #remove(photo) {
    const yes = await sure({ title: "Delete this photo?", text: `${photo.name} disappears from the listing at once.`, yes: "Delete" });
    if (!yes) return;
    try {
      await this.#session.api("DELETE", `/api/ads/${this.ad}/images/${photo.image.id}/`);
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
    const hadFocus = photo.element.contains(document.activeElement) || document.activeElement === document.body;
    const next = photo.element.nextElementSibling ?? photo.element.previousElementSibling;
    this.#drop(photo);
    this.#changed();
    if (hadFocus) (this.#photos.get(next)?.grip ?? document.getElementById("choose")).focus();
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
