/**
 * The upload broker's client for browsers: from a File to a recorded image.
 *
 * Import this module. It needs only the files in its own folder. docs/browser.md describes it,
 * docs/protocol.md the protocol and docs/errors.md the codes.
 */
import { Batch } from "./batch.js";
import { LockedRecord } from "./locked-record.js";
import { filesPath, hasOwner, ownerAt, pathOf } from "./owners.js";
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

  /** Upload one file of an owner: as an ad's image, as a user's avatar, or as a file of another profile. */
  upload(file, options) {
    return new Upload(this.#wire, file, options);
  }

  /** Upload files of one owner. The first ones are sent while the others are hashed. */
  uploadAll(files, options) {
    const { tickets } = ownerAt(pathOf(options));
    if (!tickets) throw new TypeError("A user has one avatar: use `upload`.");
    const uploads = [];
    const batch = new Batch(this.#wire, tickets);
    for (const file of files) {
      const own = { ...options, ...options.each?.(file, uploads.length) };
      uploads.push(new Upload(this.#wire, file, own, { batch, isFirst: !uploads.length }));
    }
    return new Uploads(uploads);
  }

  /** Send any other request to the API, with the owner's token and the same retries as an upload. */
  async request(method, path, { body, idempotencyKey, signal, onWaiting, ...owner } = {}) {
    const about = hasOwner(owner) ? { owner: pathOf(owner) } : {};
    return await this.#wire.api(method, path, { body, key: idempotencyKey, signal, waiting: onWaiting, ...about });
  }

  /** Return the token's user. Its `id` is the `user` of `upload`. */
  async me({ signal, onWaiting } = {}) {
    return await this.request("GET", "/api/users/me/", { signal, onWaiting });
  }

  /** List one page of an owner's published files, in their order. */
  async files(owner, { limit, cursor, signal, onWaiting } = {}) {
    const query = String(new URLSearchParams(Object.entries({ limit, cursor }).filter(([, value]) => value ?? false)));
    return await this.#wire.api("GET", filesPath(owner) + (query && `?${query}`), { owner: pathOf(owner), signal, waiting: onWaiting });
  }

  /** Change the alt text or the order of an owner's file. */
  async updateFile(owner, id, { altText, order, signal, onWaiting } = {}) {
    const body = { ...(altText !== undefined && { alt_text: altText }), ...(order !== undefined && { order }) };
    return await this.#wire.api("PATCH", `${filesPath(owner)}${id}/`, { body, owner: pathOf(owner), signal, waiting: onWaiting });
  }

  /** Delete an owner's file. Resolves to false if there is no such file. */
  async deleteFile(owner, id, { signal, onWaiting } = {}) {
    const request = { owner: pathOf(owner), signal, waiting: onWaiting };
    return await this.#wire.api("DELETE", `${filesPath(owner)}${id}/`, request).then(() => true, (error) => {
      if (error.code !== "not_found") throw error;
      return false;
    });
  }

  /** List the uploads that this browser started and that have not ended, of one owner or of all owners. */
  async resumable(options) {
    const owner = hasOwner(options) ? pathOf(options) : null;
    const records = await this.#wire.records((one) => !one.ended && (!owner || one.owner === owner));
    const taken = await this.#wire.locks.taken();
    return records.map((one) => ({
      id: one.uploadId ?? one.key, ...ownerAt(one.owner).ids, name: one.name, size: one.size,
      type: one.type, lastModified: one.lastModified, altText: one.altText, order: one.order,
      startedAt: new Date(one.startedAt), processing: Boolean(one.processing), busy: taken(one.key),
    }));
  }

  /** Wait for the image of an upload whose file has arrived. Its file is not needed. */
  async whenReady(id, { signal, onWaiting, ...owner } = {}) {
    const [record] = hasOwner(owner) ? [{ owner: pathOf(owner) }] : await this.#wire.records((one) => one.uploadId === id);
    return await this.#wire.processing.image(id, { owner: record?.owner ?? null, signal, waiting: onWaiting });
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
      if (record.uploadId) await this.#wire.api("DELETE", `/api/uploads/${record.uploadId}/`, { owner: record.owner });
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
