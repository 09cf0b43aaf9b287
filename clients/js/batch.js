// One request for the tickets of several files.
import { declared, uuid } from "./records.js";
import { deferred } from "./waiting.js";

const MAX_FILES = 50; // the API's own limit
const MAX_BYTES = 64 * 2 ** 20; // all files of a batch are hashed before the first is sent, which takes some seconds

/** One request for the tickets of several uploads. It is sent when every upload is ready or has left the batch. */
export class Batch {
  #wire; #path;
  #files = 0; #bytes = 0;
  #members = new Set(); // uploads that are not ready yet
  #ready = new Map();
  #sent = false;

  /** `path` is where the owner's tickets are requested. */
  constructor(wire, path) {
    this.#wire = wire;
    this.#path = path;
  }

  /** Check whether the batch has room for another file. */
  takes(file) { return !this.#files || (this.#files < MAX_FILES && this.#bytes + file.size <= MAX_BYTES); }

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

  /** Return the upload's ticket. After a pause it is the same ticket. */
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
      const { action } = this.#wire.retries.decide("batch", error);
      if (action === "one_by_one" && ready.length > 1) await this.#oneByOne(ready);
      else {
        for (const one of ready) one.reject(error);
        this.#ready.clear(); // a paused upload repeats this request later
      }
    }
  }

  /** Ask for one ticket after the other until the ad is full. A file that is not valid fails alone. */
  async #oneByOne(ready) {
    let refusal = null;
    for (const { record, waiting, resolve, reject } of ready) {
      if (!refusal) {
        await this.#wire.issueAlone(record, { waiting }).then(resolve, (error) => {
          if (error.code === "validation_error") reject(error);
          else refusal = error;
        });
      }
      if (refusal) reject(refusal); // this has no effect on an upload that already has its ticket
    }
  }
}
