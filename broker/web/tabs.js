// Keep the listing in this tab up to date with the broker, and ask the other tabs to read it again.

const MAX_READS = 5; // reads in a row, while the listing keeps changing

/** Reads listings again: one request at a time for each listing, and never while changes are being saved. */
export class Tabs {
  #channel = new BroadcastChannel("upload-broker-page");
  #wanted = new Set(); #reading = new Map(); #read; #boardOf; #onError;

  /** `read(id)` returns the current listing, `boardOf(id)` the board that shows it, if there is one. */
  constructor({ read, boardOf, onError }) {
    this.#read = read;
    this.#boardOf = boardOf;
    this.#onError = onError;
    this.#channel.addEventListener("message", ({ data }) => this.look(data.listing));
  }

  /** Read a listing that this tab changed, and inform the other tabs. */
  changed(id) {
    this.look(id, { inform: true });
  }

  /** Read a listing again, soon. */
  look(id, { inform = false } = {}) {
    this.#wanted.add(id);
    if (!this.#reading.has(id)) {
      this.#reading.set(id, this.#follow(id).catch(this.#onError).finally(() => this.#reading.delete(id)));
    }
    if (inform) this.#reading.get(id).then(() => this.#channel.postMessage({ listing: id }));
  }

  async #follow(id) {
    for (let reads = 0; this.#wanted.delete(id) && reads < MAX_READS; reads++) {
      const board = this.#boardOf(id);
      await board?.saved;
      const before = board?.version;
      const { images } = await this.#read(id);
      // The answer may not include changes that were made after the request.
      if (board?.version === before) board?.show(images);
      else this.#wanted.add(id);
    }
  }
}
