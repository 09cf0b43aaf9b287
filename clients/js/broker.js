/**
 * The upload broker's client for browsers: from a File to a recorded image.
 *
 * This is the module to import; it has no dependencies but the files beside it. What is sent, and
 * what each answer means, is docs/mobile.md's and docs/errors.md's.
 */
import { Batch } from "./batch.js";
import { isFinal } from "./errors.js";
import { Held } from "./held.js";
import { idsOf, ownerOf } from "./records.js";
import { Upload } from "./upload.js";
import { Wire } from "./wire.js";

export { BrokerError } from "./errors.js";

/** A broker, as one signed-in user sees it. */
export class Broker {
  #wire;

  constructor(options = {}) {
    this.#wire = new Wire(options);
  }

  /** Upload one file as an ad's image, or as a user's avatar. */
  upload(file, options) {
    return new Upload(this.#wire, file, options);
  }

  /** Upload an ad's images; their tickets are asked for together, up to 50 or 64 MiB at a time. */
  uploadAll(files, options) {
    if (options?.ad === undefined) throw new TypeError("Name the `ad`.");
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

  /** Ask the API anything else as the same user: tried again and signed in anew as an upload's own requests are. */
  async request(method, path, { body, idempotencyKey, signal, onWaiting } = {}) {
    return await this.#wire.api(method, path, { body, key: idempotencyKey, signal, waiting: onWaiting });
  }

  /** List what was begun in this browser and has not ended: of one owner, or all. */
  async resumable(options) {
    const owner = options && (options.ad ?? options.user) !== undefined ? ownerOf(options) : null;
    const records = await this.#wire.records((one) => !one.ended && (!owner || one.owner === owner.path));
    const taken = await this.#wire.locks.taken();
    return records.map((one) => ({
      id: one.uploadId ?? one.key, ...idsOf(one.owner), name: one.name, size: one.size,
      type: one.type, lastModified: one.lastModified, altText: one.altText, order: one.order,
      startedAt: new Date(one.startedAt), busy: taken(one.key),
    }));
  }

  /** Go on with an upload, by its id, with the same file, which the user has chosen again. */
  resume(id, file, options = {}) {
    return new Upload(this.#wire, file, options, { wanted: id });
  }

  /** Give up what an earlier page began, without its file; false where it has ended or is being sent. */
  async discard(id) {
    const held = new Held(this.#wire);
    if (!(await held.find((one) => !one.ended && (one.uploadId === id || one.key === id), () => 0))) return false;
    const { record } = held;
    try {
      // A ticket whose answer was never read takes a place, too: the same request tells its id.
      if (record.request && !record.uploadId) await this.#wire.issue(record, {});
      if (record.uploadId) await this.#wire.api("DELETE", `/api/uploads/${record.uploadId}/`);
    } catch (error) {
      if (error.code === "upload_settled") {
        await held.end();
        return false;
      }
      if (!isFinal(error) || error.status === 403) throw error; // else it has no place any more
    } finally {
      held.release();
    }
    await this.#wire.store.delete(record.key);
    return true;
  }
}

/** The uploads of one `uploadAll`: awaited, they give what Promise.allSettled gives. */
class Uploads {
  #ended;

  constructor(uploads) {
    this.uploads = uploads;
    this.#ended = Promise.allSettled(uploads);
  }

  [Symbol.iterator]() { return this.uploads.values(); }
  then(done, failed) { return this.#ended.then(done, failed); }
  pause() { for (const upload of this.uploads) upload.pause(); }
  resume() { for (const upload of this.uploads) upload.resume(); }
  async cancel() { return await Promise.all(this.uploads.map((upload) => upload.cancel())); }
}
