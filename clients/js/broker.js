/**
 * The upload broker's client for browsers: from a File to a recorded image.
 *
 * Import this module. It needs only the files in its own folder. docs/browser.md describes it,
 * docs/mobile.md the protocol and docs/errors.md the codes.
 */
import { Batch } from "./batch.js";
import { LockedRecord } from "./locked-record.js";
import { idsOf, ownerOf } from "./records.js";
import { Upload } from "./upload.js";
import { Wire } from "./wire.js";

export { BrokerError, StillProcessing, UploadRejected } from "./errors.js";
export { placeholderOf, srcsetOf } from "./pictures.js";

/** A broker and one signed-in user. */
export class Broker {
  #wire;

  constructor(options = {}) {
    this.#wire = new Wire(options);
  }

  /** Upload one file as an ad's image or as a user's avatar. */
  upload(file, options) {
    return new Upload(this.#wire, file, options);
  }

  /** Upload an ad's images. One request gets the tickets of up to 50 files or 64 MiB. */
  uploadAll(files, options) {
    if (options?.ad === undefined) throw new TypeError("Pass the `ad`.");
    const uploads = [];
    const next = () => new Batch(this.#wire, `${ownerOf(options).path}/upload_images/`);
    let batch = next();
    for (const file of files) {
      if (!batch.takes(file)) batch = next();
      const own = { ...options, ...options.each?.(file, uploads.length) };
      uploads.push(new Upload(this.#wire, file, own, { batch }));
    }
    return new Uploads(uploads);
  }

  /** Send any other request to the API, with the same token and the same retries as an upload. */
  async request(method, path, { body, idempotencyKey, signal, onWaiting } = {}) {
    return await this.#wire.api(method, path, { body, key: idempotencyKey, signal, waiting: onWaiting });
  }

  /** Return the token's user. Its `id` is the `user` of `upload`. */
  async me({ signal, onWaiting } = {}) {
    return await this.request("GET", "/api/users/me/", { signal, onWaiting });
  }

  /** List the uploads that this browser started and that have not ended, of one owner or of all owners. */
  async resumable(options) {
    const owner = options && (options.ad ?? options.user) !== undefined ? ownerOf(options) : null;
    const records = await this.#wire.records((one) => !one.ended && (!owner || one.owner === owner.path));
    const taken = await this.#wire.locks.taken();
    return records.map((one) => ({
      id: one.uploadId ?? one.key, ...idsOf(one.owner), name: one.name, size: one.size,
      type: one.type, lastModified: one.lastModified, altText: one.altText, order: one.order,
      startedAt: new Date(one.startedAt), processing: Boolean(one.processing), busy: taken(one.key),
    }));
  }

  /** Wait for the image of an upload whose file has arrived. Its file is not needed. */
  async whenReady(id, { signal, onWaiting } = {}) {
    return await this.#wire.processing.image(id, { signal, waiting: onWaiting });
  }

  /** Resume an upload by its id. The user must have chosen the same file again. */
  resume(id, file, options = {}) {
    return new Upload(this.#wire, file, options, { wanted: id });
  }

  /** Cancel an upload that an earlier page started. Returns false if it has ended or is in progress. */
  async discard(id) {
    const locked = new LockedRecord(this.#wire);
    if (!(await locked.find((one) => !one.ended && (one.uploadId === id || one.key === id), () => 0))) return false;
    const { record } = locked;
    try {
      // A ticket also has a slot if its answer was lost. The same request returns its id.
      if (record.request && !record.uploadId) await this.#wire.issue(record, {});
      if (record.uploadId) await this.#wire.api("DELETE", `/api/uploads/${record.uploadId}/`);
    } catch (error) {
      if (error.code === "upload_settled") {
        await locked.end();
        return false;
      }
      // After any other final error the upload has no slot.
      if (this.#wire.retries.decide("end", error).action === "keep" || error.status === 403) throw error;
    } finally {
      locked.release();
    }
    await this.#wire.store.delete(record.key);
    return true;
  }
}

/** The uploads of one `uploadAll`. If it is awaited, it resolves like Promise.allSettled. */
class Uploads {
  #outcomes;

  constructor(uploads) {
    this.uploads = uploads;
    this.#outcomes = Promise.allSettled(uploads);
  }

  [Symbol.iterator]() { return this.uploads.values(); }
  then(done, failed) { return this.#outcomes.then(done, failed); }
  pause() { for (const upload of this.uploads) upload.pause(); }
  resume() { for (const upload of this.uploads) upload.resume(); }
  async cancel() { return await Promise.all(this.uploads.map((upload) => upload.cancel())); }
}
