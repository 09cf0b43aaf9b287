// The tickets of several files in one request.
import { uuid } from "./records.js";
import { deferred } from "./waiting.js";

/** One request for the tickets of several uploads, sent when each of them is ready or has left. */
export class Batch {
  #wire; #path;
  #members = new Set(); // not ready yet
  #ready = new Map();
  #sent = false;

  constructor(wire, path) {
    this.#wire = wire;
    this.#path = path;
  }

  expect(upload) { this.#members.add(upload); }
  has(upload) { return this.#members.has(upload) || this.#ready.has(upload); }

  leave(upload) {
    if (this.#sent || !this.has(upload)) return;
    this.#members.delete(upload);
    this.#ready.delete(upload);
    this.#sendWhenReady();
  }

  /** Give the upload's ticket; asked again after a pause, the same one. */
  join(upload, record, file, waiting) {
    if (!this.#ready.has(upload)) {
      this.#members.delete(upload);
      this.#ready.set(upload, { record, file, waiting, ...deferred() });
      this.#sendWhenReady();
    }
    return this.#ready.get(upload).promise;
  }

  async #sendWhenReady() {
    if (this.#members.size || !this.#ready.size) return;
    this.#sent = true;
    const ready = [...this.#ready.values()];
    const body = JSON.stringify({ files: ready.map((one) => one.file) });
    const request = { path: this.#path, key: uuid(), body };
    try {
      await Promise.all(ready.map(({ record }, index) =>
        this.#wire.store.put(Object.assign(record, { request, index }))));
      const waiting = (error) => ready.forEach((one) => one.waiting(error));
      const answer = await this.#wire.issueAll(request, { waiting });
      await Promise.all(ready.map(async ({ record, resolve }) =>
        resolve(await this.#wire.keepTicket(record, answer))));
    } catch (error) {
      for (const one of ready) one.reject(error);
    }
  }
}
