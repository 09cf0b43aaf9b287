// The tickets of several files in one request.
import { declared, uuid } from "./records.js";
import { deferred } from "./waiting.js";

const FILES = 50; // the API's own limit
const BYTES = 64 * 2 ** 20; // all are hashed before the first is sent: some seconds of work
// There is no room for all of them, or one is wrong: what is refused is refused to all.
export const ALONE = ["image_limit_reached", "validation_error"];

/** One request for the tickets of several uploads, sent when each of them is ready or has left. */
export class Batch {
  #wire; #path;
  #files = 0; #bytes = 0;
  #members = new Set(); // not ready yet
  #ready = new Map();
  #sent = false;

  constructor(wire, path) {
    this.#wire = wire;
    this.#path = path;
  }

  takes(file) { return !this.#files || (this.#files < FILES && this.#bytes + file.size <= BYTES); }

  expect(upload) {
    this.#members.add(upload);
    this.#files++;
    this.#bytes += upload.file.size;
  }

  has(upload) { return this.#members.has(upload) || this.#ready.has(upload); }

  leave(upload) {
    if (this.#sent || !this.has(upload)) return;
    this.#members.delete(upload);
    this.#ready.delete(upload);
    this.#sendWhenReady();
  }

  /** Give the upload's ticket; asked again after a pause, the same one. */
  join(upload, record, waiting) {
    if (!this.#ready.has(upload)) {
      this.#members.delete(upload);
      this.#ready.set(upload, { record, waiting, ...deferred() });
      this.#sendWhenReady();
    }
    return this.#ready.get(upload).promise;
  }

  async #sendWhenReady() {
    if (this.#members.size || !this.#ready.size) return;
    this.#sent = true;
    const ready = [...this.#ready.values()];
    const body = JSON.stringify({ files: ready.map(({ record }) => declared(record)) });
    const request = { path: this.#path, key: uuid(), body };
    try {
      await Promise.all(ready.map(({ record }, index) =>
        this.#wire.store.put(Object.assign(record, { request, index }))));
      const waiting = (error) => ready.forEach((one) => one.waiting(error));
      const answer = await this.#wire.issueAll(request, { waiting });
      await Promise.all(ready.map(async ({ record, resolve }) =>
        resolve(await this.#wire.keepTicket(record, answer))));
    } catch (error) {
      if (ALONE.includes(error.code) && ready.length > 1) await this.#eachAlone(ready);
      else {
        for (const one of ready) one.reject(error);
        this.#ready.clear(); // one that is paused asks the same again, by itself
      }
    }
  }

  /** Ask for one after the other, until there is no room; one that is wrong fails alone. */
  async #eachAlone(ready) {
    let refusal = null;
    for (const { record, waiting, resolve, reject } of ready) {
      if (!refusal) {
        await this.#wire.issueAlone(record, { waiting }).then(resolve, (error) => {
          if (error.code === "validation_error") reject(error);
          else refusal = error;
        });
      }
      if (refusal) reject(refusal); // nothing to one that has its ticket
    }
  }
}
