// Keeps what this tab shows of a listing the same as what the broker has, and tells the other tabs to look.

const MOST_READS = 5; // in a row, while the listing keeps changing

/** Reads listings again: one request at a time for each, and never over changes that are being made. */
export class Tabs {
  #channel = new BroadcastChannel("upload-broker-page");
  #wanted = new Set(); #reading = new Map(); #read; #boardOf; #tell;

  /** `read(id)` gives the listing as it is now, `boardOf(id)` the board that shows it, if there is one. */
  constructor({ read, boardOf, tell }) {
    this.#read = read;
    this.#boardOf = boardOf;
    this.#tell = tell;
    this.#channel.addEventListener("message", ({ data }) => this.look(data.listing));
  }

  /** After a change of this tab's own. */
  changed(id) {
    this.look(id, { told: true });
  }

  /** Read a listing again, soon. */
  look(id, { told = false } = {}) {
    this.#wanted.add(id);
    if (!this.#reading.has(id)) {
      this.#reading.set(id, this.#follow(id).catch(this.#tell).finally(() => this.#reading.delete(id)));
    }
    if (told) this.#reading.get(id).then(() => this.#channel.postMessage({ listing: id }));
  }

  async #follow(id) {
    for (let reads = 0; this.#wanted.delete(id) && reads < MOST_READS; reads++) {
      const board = this.#boardOf(id);
      await board?.settled;
      const before = board?.version;
      const { images } = await this.#read(id);
      // What was changed meanwhile may not be in that answer yet.
      if (board?.version === before) board?.show(images);
      else this.#wanted.add(id);
    }
  }
}
