// The tickets of several files, requested while later files are hashed.
import { declared, uuid } from "./records.js";
import { deferred } from "./waiting.js";

const MAX_FILES = 50; // the API's own limit

/**
 * The ticket requests of one `uploadAll`, one at a time. Each asks for all uploads that are ready. While
 * there are tickets for every send slot, no request is sent until the last file is hashed.
 */
export class Batch {
  #wire; #path;
  #hashing = new Set(); // uploads that are not ready yet
  #ready = []; // entries of uploads without a ticket
  #entries = new Map(); // by upload, also those that were asked for: record, `waiting`, and a deferred ticket
  #unsent = new Set(); // uploads with a ticket that S3 does not have yet
  #isAsking = false;

  /** `path` is where the owner's tickets are requested. */
  constructor(wire, path) {
    this.#wire = wire;
    this.#path = path;
  }

  expect(upload) { this.#hashing.add(upload); }

  has(upload) { return this.#hashing.has(upload) || this.#entries.has(upload); }

  /** Do not wait for this upload any more: it was sent or has stopped. A ticket that was asked for stays its own. */
  leave(upload) {
    const place = this.#ready.findIndex((one) => one.upload === upload);
    if (place >= 0) {
      this.#ready.splice(place, 1);
      this.#entries.delete(upload);
    }
    this.#hashing.delete(upload);
    this.#unsent.delete(upload);
    this.#ask();
  }

  /** Return the upload's ticket. After a pause it is the same ticket. */
  join(upload, record, waiting) {
    let entry = this.#entries.get(upload);
    if (!entry) {
      entry = { upload, record, waiting, ...deferred() };
      this.#hashing.delete(upload);
      this.#entries.set(upload, entry);
      this.#ready.push(entry);
      this.#ask();
    }
    return entry.promise;
  }

  async #ask() {
    if (this.#isAsking) return;
    this.#isAsking = true;
    while (this.#ready.length && (!this.#hashing.size || this.#unsent.size < this.#wire.concurrency)) {
      await this.#request(this.#ready.splice(0, MAX_FILES));
    }
    this.#isAsking = false;
  }

  async #request(some) {
    for (const { upload } of some) this.#unsent.add(upload);
    try {
      const body = JSON.stringify({ files: some.map(({ record }) => declared(record)) });
      const request = { path: this.#path, key: uuid(), body };
      await Promise.all(some.map(({ record }, index) =>
        this.#wire.store.put(Object.assign(record, { request, index }))));
      const waiting = (error) => some.forEach((one) => one.waiting(error));
      const answer = await this.#wire.issueAll(request, { waiting });
      await Promise.all(some.map(async ({ record, resolve }) =>
        resolve(await this.#wire.keepTicket(record, answer))));
    } catch (error) {
      const { action } = this.#wire.retries.decide("batch", error);
      if (action === "one_by_one") await this.#oneByOne(some, error);
      else this.#refuse(some, error);
    }
  }

  /** Ask for one ticket after the other until the ad is full. A file that is not valid fails alone. */
  async #oneByOne(some, refusal) {
    for (const [index, { record, waiting, resolve, reject }] of some.entries()) {
      try {
        if (some.length === 1) throw ofOneFile(refusal); // it was alone already
        resolve(await this.#wire.issueAlone(record, { waiting }));
      } catch (error) {
        if (error.code !== "validation_error") return this.#refuse(some.slice(index), error);
        reject(error);
      }
    }
  }

  /** Fail these uploads, and those that are ready: they would be refused too. A paused upload asks again later. */
  #refuse(some, error) {
    for (const { upload, reject } of [...some, ...this.#ready.splice(0)]) {
      this.#entries.delete(upload);
      reject(error);
    }
  }
}

/** Return the refusal of a request for one ticket with the errors by field, as without a batch. */
function ofOneFile(refusal) {
  return Object.assign(refusal, { errors: refusal.errors?.files?.[0] ?? refusal.errors });
}
