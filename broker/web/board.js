// One listing's photos in order: the saved ones and those that are being uploaded.
import { BrokerError } from "./client/broker.js";
import { announce } from "./announce.js";
import { askToConfirm } from "./dialogs.js";
import { isSameFile } from "./files.js";
import { Photo } from "./photo.js";
import { reorderable, step } from "./reorder.js";

/** The photos of one listing. `onChange()` is called after each change, `onError(error)` for each error. */
export class Board {
  version = 0; // the number of changes that this tab has made at the broker
  #broker; #profile; #onChange; #onError; #photos = new Map(); #edits = Promise.resolve();

  constructor(ad, { broker, profile, onChange, onError }) {
    this.ad = ad;
    this.#broker = broker;
    this.#profile = profile;
    this.#onChange = onChange;
    this.#onError = onError;
    this.grid = Object.assign(document.createElement("ol"), { className: "grid" });
    this.grid.setAttribute("aria-label", "Photos of this listing, the main one first");
    reorderable(this.grid, (item) => this.#moved(this.#photos.get(item)));
  }

  get photos() { return [...this.grid.children].map((item) => this.#photos.get(item)).filter(Boolean); }
  /** Resolves when all changes made here have been sent. */
  get saved() { return this.#edits; }
  /** Check whether some changes have not been saved at the broker. */
  get unsent() { return this.photos.some((one) => Object.keys(one.unsent).length > 0); }
  /** Return the files that are not recorded yet. */
  get files() { return this.photos.filter((one) => one.file && !one.image).map((one) => one.file); }
  get freeSlots() { return (this.#profile.max_count || Infinity) - this.photos.filter((one) => one.state !== "failed").length; }

  /** Show the listing's current images, and keep the photos that are being uploaded. */
  show(images) {
    const ids = new Set(images.map((image) => image.id));
    const recorded = new Map(this.photos.filter((one) => one.image).map((one) => [one.image.id, one]));
    for (const [id, photo] of recorded) if (!ids.has(id)) this.#drop(photo);
    // A photo that was moved here keeps its place until the broker knows it.
    const moved = new Map([...recorded].filter(([, one]) => "order" in one.unsent).map(([id, one]) => [id, one.order]));
    const orderOf = (image) => moved.get(image.id) ?? image.order;
    [...images].sort((one, other) => orderOf(one) - orderOf(other)).forEach((image, index) => {
      const known = recorded.get(image.id);
      if (known) known.record(image);
      const photo = known ?? this.#make({ image, order: image.order });
      photo.order = orderOf(image);
      // Move only photos that are in the wrong place, because moving an element ends its focus and
      // its drag.
      const here = this.photos.filter((one) => one.image)[index];
      if (here !== photo) this.grid.insertBefore(photo.element, here?.element ?? null);
    });
    this.#changed();
  }

  /** Show the photos that the broker is still processing, such as those of a page that was reloaded. */
  async watch() {
    const path = `/api/ads/${this.ad}/uploads/`;
    const { results } = await this.#broker.request("GET", path, { onWaiting: this.#onError });
    const known = new Set(this.photos.map((one) => one.upload?.id));
    for (const { id, key, state } of results.reverse()) {
      if (state !== "processing" || known.has(id)) continue;
      const photo = this.#make({ name: key.split("/").pop(), order: this.#last + 1 });
      this.grid.append(photo.element);
      this.#wait(photo, id);
    }
    this.#changed();
  }

  async #wait(photo, id) {
    const cancel = () => this.#broker.request("DELETE", `/api/uploads/${id}/`);
    const ready = this.#broker.whenReady(id, { onWaiting: this.#onError });
    const following = photo.follow(Object.assign(ready, { id, cancel }));
    photo.progress({ phase: "processing", loaded: 1, total: 1 });
    if (await following) photo.order = photo.image.order;
    else if (photo.error?.code === "upload_cancelled") return this.#gone(photo);
    this.version++;
    this.#changed();
  }

  get #last() { return Math.max(0, ...this.photos.map((one) => one.order)); }

  /** Upload files into the free slots, and return their photos. A file that failed before is tried again in its place. */
  add(files) {
    const failed = new Map(files.map((file) => [file, this.photos.find((one) => one.error && isSameFile(one.file, file))]));
    for (const [file, photo] of failed) {
      if (!photo) continue;
      photo.file = file; // the old File object may not be readable any more
      this.#again(photo);
    }
    const more = this.#add(files.filter((file) => !failed.get(file)));
    return [...failed.values()].filter((one) => one?.upload).concat(more);
  }

  #add(files) {
    const free = Math.max(0, this.freeSlots);
    const last = this.#last;
    const added = files.map((file, index) => {
      const photo = this.#make({ file, order: last + 1 + index });
      this.grid.append(photo.element);
      return photo;
    });
    const sent = added.slice(0, free);
    for (const photo of added.slice(free)) photo.fail(new BrokerError("image_limit_reached", "This listing is full."));
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
      described: (photo) => this.#save(photo),
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
    return { altText: altText || undefined, order, onProgress: (now) => { photo.progress(now); this.#onChange(); } };
  }

  async #follow(photo, upload) {
    if (await photo.follow(upload)) {
      this.version++;
      const shown = this.#merged(photo);
      this.#save(shown);
      this.#changed();
      if (shown !== photo) announce(`${photo.name} is already in this listing.`);
      return;
    }
    if (photo.error) announce(`${photo.name} failed.`);
    this.#changed();
  }

  /** If two tiles show the same image, because the same file was chosen twice, keep only one tile. */
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
    if (this.freeSlots < 1) return photo.fail(new BrokerError("image_limit_reached", "This listing is full."));
    this.#follow(photo, this.#broker.upload(photo.file, { ad: this.ad, ...this.#options(photo) }));
    this.#changed();
  }

  #moved(photo) {
    this.#changed();
    announce(`${photo.name} is now photo ${this.photos.indexOf(photo) + 1} of ${this.photos.length}.`);
    const orders = this.photos.map((one) => one.order);
    if (orders.some((order, index) => index > 0 && order <= orders[index - 1])) {
      this.photos.forEach((one, index) => { one.order = index; });
    }
    for (const one of this.photos) this.#save(one);
  }

  /** Save a photo's text and order at the broker, one request after the other. */
  #save(photo) {
    this.version++;
    this.#edits = this.#edits.then(async () => {
      const body = photo.unsent;
      const isThere = () => this.#photos.has(photo.element);
      if (!isThere() || !Object.keys(body).length) return; // not recorded yet, deleted, or unchanged
      try {
        photo.record(await this.#ask("PATCH", photo, body));
        photo.invalid(false);
        this.#onChange({ changed: this.ad });
      } catch (error) {
        if (!isThere()) return;
        if (error.code === "not_found") return this.#onChange({ changed: this.ad }); // another tab deleted it
        photo.invalid(Boolean(error.errors?.alt_text));
        this.#onError(error);
      }
    });
  }

  #ask(method, photo, body) {
    const path = `/api/ads/${this.ad}/images/${photo.image.id}/`;
    return this.#broker.request(method, path, { body, onWaiting: this.#onError });
  }

  /** Save all changes that could not be saved before. */
  saveAll() {
    for (const photo of this.photos) if (Object.keys(photo.unsent).length) this.#save(photo);
  }

  async #remove(photo) {
    const yes = await askToConfirm({ title: "Delete this photo?", text: `${photo.name} will be removed from the listing.`, yes: "Delete" });
    if (!yes) return;
    try {
      await this.#ask("DELETE", photo);
    } catch (error) {
      if (error.code !== "not_found") return this.#onError(error);
    }
    this.version++;
    this.#gone(photo);
    announce(`${photo.name} was deleted.`);
    this.#onChange({ changed: this.ad });
  }

  /** Remove a photo from the grid. The focus moves to the photo that takes its place. */
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
    this.#onChange();
  }
}
