// One owner's files in order: the saved ones and those that are being uploaded.
import { BrokerError } from "./client/broker.js";
import { announce } from "./announce.js";
import { askToConfirm } from "./dialogs.js";
import { isSameFile } from "./files.js";
import { focusFiles } from "./focus.js";
import { Photo } from "./photo.js";
import { reorderable, step } from "./reorder.js";
import { Saves } from "./saves.js";

/** The photos of a listing or of another owner. `onChange()` is called after each change, `onError(error)` for each error. */
export class Board {
  version = 0; // the number of changes that this tab has made at the broker
  #broker; #onChange; #onError; #items = new Map(); #saves;

  constructor(source, { broker, onChange, onError, className = "grid" }) {
    this.source = source;
    this.#broker = broker;
    this.#onChange = onChange;
    this.#onError = onError;
    this.#saves = new Saves(source, { has: (item) => this.#items.has(item.element), onSaved: () => this.#changedThere(), onError });
    this.element = Object.assign(document.createElement("ol"), { className });
    this.element.setAttribute("aria-label", source.label);
    reorderable(this.element, (element) => this.#moved(this.#items.get(element)));
  }

  get items() { return [...this.element.children].map((element) => this.#items.get(element)).filter(Boolean); }
  /** Resolves when all changes made here have been sent. */
  get saved() { return this.#saves.done; }
  /** Check whether some changes have not been saved at the broker. */
  get unsent() { return this.source.may("update") && this.items.some((one) => Object.keys(one.unsent).length > 0); }
  /** Return the files that are not recorded yet. */
  get files() { return this.items.filter((one) => one.file && !one.image).map((one) => one.file); }
  get count() { return this.items.filter((one) => one.state !== "failed").length; }
  get freeSlots() {
    const { keeps_one: keepsOne, max_count: most } = this.source.profile;
    const taken = keepsOne ? this.items.filter((one) => one.upload).length : this.count; // a new file replaces the one before
    return (most || Infinity) - taken;
  }

  /** Show the owner's current files, and keep those that are being uploaded. */
  show(images) {
    const ids = new Set(images.map((image) => image.id));
    const recorded = new Map(this.items.filter((one) => one.image).map((one) => [one.image.id, one]));
    for (const [id, item] of recorded) {
      const isOnLaterPage = this.source.hasMore && item.file;
      if (!ids.has(id) && !isOnLaterPage) this.#drop(item);
    }
    // A photo that was moved here keeps its place until the broker knows it.
    const moved = new Map([...recorded].filter(([, one]) => "order" in one.unsent).map(([id, one]) => [id, one.order]));
    const orderOf = (image) => moved.get(image.id) ?? image.order;
    [...images].sort((one, other) => orderOf(one) - orderOf(other)).forEach((image, index) => {
      const known = recorded.get(image.id);
      if (known) known.record(image);
      const item = known ?? this.#make({ image, order: image.order });
      item.order = orderOf(image);
      // Move only files that are in the wrong place, because moving an element ends its focus and
      // its drag.
      const here = this.items.filter((one) => one.image)[index];
      if (here !== item) this.element.insertBefore(item.element, here?.element ?? null);
    });
    this.changed();
  }

  /** Show the files that the broker is still processing, such as those of a page that was reloaded. */
  async watch() {
    const known = new Set(this.items.map((one) => one.upload?.id));
    for (const { id, key, file_name: fileName, state } of (await this.source.uploads()).reverse()) {
      if (state !== "processing" || known.has(id)) continue;
      const item = this.#make({ name: fileName ?? key.split("/").pop(), order: this.#last + 1 });
      this.element.append(item.element);
      this.#wait(item, id);
    }
    this.changed();
  }

  async #wait(item, id) {
    const { ids } = this.source;
    const cancel = () => this.#broker.request("DELETE", `/api/uploads/${id}/`, ids);
    const ready = this.#broker.whenReady(id, { ...ids, onWaiting: this.#onError });
    const following = item.follow(Object.assign(ready, { id, cancel }));
    item.progress({ phase: "processing", loaded: 1, total: 1 });
    if (await following) item.order = item.image.order;
    else if (item.error?.code === "upload_cancelled") return this.#gone(item);
    this.version++;
    this.changed();
  }

  get #last() { return Math.max(0, ...this.items.map((one) => one.order)); }

  /** Upload files into the free slots, and return their items. A file that failed before is tried again in its place. */
  add(files) {
    const failed = new Map(files.map((file) => [file, this.items.find((one) => one.error && isSameFile(one.file, file))]));
    for (const [file, item] of failed) {
      if (!item) continue;
      item.file = file; // the old File object may not be readable any more
      this.#again(item);
    }
    const more = this.#add(files.filter((file) => !failed.get(file)));
    return [...failed.values()].filter((one) => one?.upload).concat(more);
  }

  #add(files) {
    const free = Math.max(0, this.freeSlots);
    const last = this.#last;
    const added = files.map((file, index) => {
      const item = this.#make({ file, order: last + 1 + index });
      this.element.append(item.element);
      return item;
    });
    const sent = added.slice(0, free);
    for (const item of added.slice(free)) item.fail(isFull());
    if (sent.length) {
      const uploads = this.#broker.uploadAll(sent.map((one) => one.file), {
        ...this.source.ids, each: (_, index) => this.#options(sent[index]),
      });
      [...uploads].forEach((upload, index) => this.#follow(sent[index], upload));
    }
    this.changed();
    return sent;
  }

  /** Return a new item. Boards of other kinds of files override this. */
  create(options) { return new Photo(options); }

  #make(options) {
    const on = {
      profile: this.source.profile,
      noun: this.source.noun,
      may: (action) => this.source.may(action),
      again: (item) => this.#again(item),
      gone: (item) => this.#gone(item),
      remove: (item) => this.#remove(item),
      described: (item) => this.#save(item),
      move: (item, by, button) => {
        if (step(this.element, item.element, by)) this.#moved(item);
        (button?.disabled ? item.grip : button)?.focus(); // moving an element takes the focus from it
      },
    };
    const item = this.create({ ...options, on });
    this.#items.set(item.element, item);
    return item;
  }

  #options(item) {
    const { altText, order } = item;
    return { altText: altText || undefined, order, onProgress: (now) => { item.progress(now); this.#onChange(); } };
  }

  async #follow(item, upload) {
    if (await item.follow(upload)) {
      this.version++;
      const shown = this.#merged(item);
      if (this.source.profile.keeps_one) for (const one of this.items) if (one !== shown && one.image) this.#drop(one);
      this.#save(shown);
      this.changed();
      if (shown !== item) announce(`${item.name} is already ${this.source.place}.`);
      return;
    }
    if (item.error) announce(`${item.name} failed.`);
    this.changed();
  }

  /** If two items show the same file, because it was chosen twice, keep only one. */
  #merged(item) {
    const other = this.items.find((one) => one !== item && one.image?.id === item.image.id);
    if (!other) return item;
    const { hasFocus, altText } = item;
    if (altText && !other.altText) other.altText = altText;
    other.record(item.image);
    this.#drop(item);
    if (hasFocus) other.handle.focus();
    return other;
  }

  #again(item) {
    if (this.freeSlots < 1) return item.fail(isFull());
    this.#follow(item, this.#broker.upload(item.file, { ...this.source.ids, ...this.#options(item) }));
    this.changed();
  }

  #moved(item) {
    this.changed();
    announce(`${item.name} is now photo ${this.items.indexOf(item) + 1} of ${this.items.length}.`);
    const orders = this.items.map((one) => one.order);
    if (orders.some((order, index) => index > 0 && order <= orders[index - 1])) {
      this.items.forEach((one, index) => { one.order = index; });
    }
    for (const one of this.items) this.#save(one);
  }

  #save(item) {
    this.version++;
    this.#saves.add(item);
  }

  /** Save all changes that could not be saved before. */
  saveAll() {
    for (const item of this.items) if (Object.keys(item.unsent).length) this.#save(item);
  }

  async #remove(item) {
    const { noun, removal } = this.source;
    const yes = await askToConfirm({ title: `Delete this ${noun}?`, text: `${item.name} will be ${removal}.`, yes: "Delete" });
    if (!yes) return;
    try {
      await this.source.delete(item.image);
    } catch (error) {
      return this.#onError(error);
    }
    this.version++;
    this.#gone(item);
    announce(`${item.name} was deleted.`);
    this.#changedThere();
  }

  /** Remove an item. The focus moves to the item that takes its place. */
  #gone(item) {
    const { hasFocus } = item;
    const next = item.element.nextElementSibling ?? item.element.previousElementSibling;
    this.#drop(item);
    this.changed();
    if (!hasFocus) return;
    if (this.#items.has(next)) this.#items.get(next).handle.focus();
    else focusFiles();
  }

  #drop(item) {
    this.#items.delete(item.element);
    item.element.remove();
  }

  #changedThere() { this.#onChange({ changed: this.source.key }); }

  /** Show what the token allows, and the place of each item. */
  changed() {
    const { items, element, source } = this;
    element.dataset.may = ["update", "delete"].filter((action) => source.may(action)).join(" ");
    items.forEach((item, index) => item.place(index, items.length));
    this.#onChange();
  }
}

function isFull() {
  return new BrokerError("image_limit_reached", "There is no room for more files.");
}
