// What a board shows: the images of a listing, or the files of an owner that the token grants.
import { ACTIONS } from "./grants.js";
import { nameOf } from "./owner-names.js";

const PAGE = 100; // files, the API's maximum

/** The images of a listing, which belongs to the signed-in user. */
export class ListingImages {
  noun = "photo";
  label = "Photos of this listing, the main one first";
  place = "in this listing";
  removal = "removed from the listing";
  hasMore = false;
  #broker; #read; #onError;

  constructor(id, { broker, profile, read, onError }) {
    this.key = id;
    this.ids = { ad: id };
    this.profile = profile;
    this.#broker = broker;
    this.#read = read;
    this.#onError = onError;
  }

  may(action) { return ACTIONS.includes(action); }

  async read() { return (await this.#read(this.key)).images; }

  async uploads() {
    return (await this.#ask("GET", `/api/ads/${this.key}/uploads/`)).results;
  }

  async update(image, body) { return await this.#ask("PATCH", this.#path(image), { body }); }

  async delete(image) {
    try {
      await this.#ask("DELETE", this.#path(image));
    } catch (error) {
      if (error.code !== "not_found") throw error;
    }
  }

  #path(image) { return `/api/ads/${this.key}/images/${image.id}/`; }

  async #ask(method, path, options) {
    return await this.#broker.request(method, path, { ...options, onWaiting: this.#onError });
  }
}

/** The files of an owner. `may(action)` checks whether the current token grants an action. */
export class OwnerFiles {
  place = "here";
  removal = "deleted for good";
  hasMore = false;
  isLoaded = false;
  #broker; #onError; #pages = 1;

  constructor({ key, profile, owner, limits }, { broker, may, onError }) {
    this.key = key;
    this.ids = { profile, owner };
    this.profile = limits;
    this.may = may;
    this.isPrivate = limits.visibility === "private";
    this.noun = this.isPrivate ? "document" : "photo";
    const name = nameOf({ profile, owner });
    this.label = this.isPrivate ? `Documents of ${name}` : `Photos of ${name}, the first one first`;
    this.#broker = broker;
    this.#onError = onError;
  }

  /** Check whether the token allows reading. Everyone may read public files. */
  get mayRead() { return !this.isPrivate || this.may("read"); }

  /** Return the files of the pages that are shown, or null if they may not be read. */
  async read() {
    if (!this.mayRead) return null;
    const found = [];
    let cursor = null;
    for (let page = 0; page < this.#pages && (page === 0 || cursor); page++) {
      const answer = await this.#broker.files(this.ids, { limit: PAGE, cursor, onWaiting: this.#onError });
      found.push(...answer.results);
      cursor = answer.next_cursor;
    }
    this.hasMore = Boolean(cursor);
    this.isLoaded = true;
    return found.map(imageOf);
  }

  /** Show one more page from now on. */
  more() { this.#pages++; }

  async uploads() {
    if (!this.may("create")) return [];
    const { profile, owner } = this.ids;
    const path = `/api/owners/${encodeURIComponent(profile)}/${encodeURIComponent(owner)}/uploads/`;
    return (await this.#broker.request("GET", path, { onWaiting: this.#onError })).results;
  }

  async update(image, { alt_text: altText, order }) {
    return imageOf(await this.#broker.updateFile(this.ids, image.id, { altText, order, onWaiting: this.#onError }));
  }

  async delete(image) {
    await this.#broker.deleteFile(this.ids, image.id, { onWaiting: this.#onError });
  }
}

/** Return a file of an owner under the names that an image of a listing has. */
function imageOf(file) {
  return { ...file, image: file.key, image_url: file.url };
}
