// Keep the open files in this tab up to date with the broker, and ask the other tabs to read them again.

const MAX_READS = 5; // reads in a row, while the files keep changing

/** Reads the files of listings and owners again: one request at a time for each, and never while changes are being saved. */
export class Tabs {
  #channel = new BroadcastChannel("upload-broker-page");
  #wanted = new Set(); #reading = new Map(); #read; #boardOf; #onError;

  /** `read(key)` returns the current files of a listing or owner, or null; `boardOf(key)` its board, if there is one. */
  constructor({ read, boardOf, onError }) {
    this.#read = read;
    this.#boardOf = boardOf;
    this.#onError = onError;
    this.#channel.addEventListener("message", ({ data }) => this.look(data.key));
  }

  /** Read the files that this tab changed, and inform the other tabs. */
  changed(key) {
    this.look(key, { inform: true });
  }

  /** Read the files of a listing or owner again, soon. */
  look(key, { inform = false } = {}) {
    this.#wanted.add(key);
    if (!this.#reading.has(key)) {
      this.#reading.set(key, this.#follow(key).catch(this.#onError).finally(() => this.#reading.delete(key)));
    }
    if (inform) this.#reading.get(key).then(() => this.#channel.postMessage({ key }));
  }

  async #follow(key) {
    for (let reads = 0; this.#wanted.delete(key) && reads < MAX_READS; reads++) {
      const board = this.#boardOf(key);
      await board?.saved;
      const before = board?.version;
      const images = await this.#read(key);
      // The answer may not include changes that were made after the request.
      if (board?.version !== before) this.#wanted.add(key);
      else if (images) board?.show(images);
    }
  }
}
