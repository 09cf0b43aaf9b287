// The boards that were opened in this tab. A board stays when another one is opened, because it may still upload.
import { Board } from "./board.js";
import { Documents } from "./documents.js";
import { ListingImages, OwnerFiles } from "./sources.js";

/** All boards, by key: a listing's id, or `profile/owner`. */
export class Boards {
  #boards = new Map(); #broker; #profiles; #listings; #owners; #reactions;

  constructor({ broker, profiles, listings, owners, ...reactions }) {
    this.#broker = broker;
    this.#profiles = profiles;
    this.#listings = listings;
    this.#owners = owners;
    this.#reactions = reactions;
    /** What a listing that is not created yet will show. */
    this.draft = this.#listing(null);
  }

  get all() { return [...this.#boards.values()]; }
  get(key) { return this.#boards.get(key); }

  ofListing(id) {
    return this.#add(id, () => new Board(this.#listing(id), this.#options));
  }

  ofOwner(owner) {
    return this.#add(owner.key, () => {
      const may = (action) => this.#owners.may(owner.key, action);
      const source = new OwnerFiles(owner, { broker: this.#broker, may, onError: this.#reactions.onError });
      return new (source.isPrivate ? Documents : Board)(source, this.#options);
    });
  }

  /** Read the files of a listing or owner again. Returns null if there is nothing to show. */
  async read(key) {
    const board = this.get(key);
    if (board) return await board.source.read();
    if (typeof key === "number") await this.#listings.refresh(key); // its cover may have changed
    return null;
  }

  get #options() { return { broker: this.#broker, ...this.#reactions }; }

  #listing(id) {
    const read = (key) => this.#listings.refresh(key);
    return new ListingImages(id, { broker: this.#broker, profile: this.#profiles.ad_image, read, onError: this.#reactions.onError });
  }

  #add(key, make) {
    if (!this.#boards.has(key)) this.#boards.set(key, make());
    return this.get(key);
  }
}
