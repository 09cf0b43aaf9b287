// The stored record of one upload and its lock: no other tab works on the same upload.
import { BrokerError, mismatch } from "./errors.js";
import { pathOfUpload } from "./owners.js";
import { METHODS } from "./records.js";

/** Holds at most one record with its lock, and the ticket if it is known. */
export class LockedRecord {
  record = null; ticket = null;
  resumed = false; // the record was created by an earlier upload
  #wire; #release = null; #id = null;

  constructor(wire) {
    this.#wire = wire;
  }

  /** The broker's id of the upload, once there is a ticket. It stays after the record is released. */
  get id() { return this.record?.uploadId ?? this.#id; }

  /** Lock a new record. */
  async begin(record) {
    this.#hold(record, await this.#wire.locks.take(record.key), false);
  }

  /** Lock a stored record and read it again. Returns false if the record is locked or no longer matches. */
  async take({ key }, wanted) {
    const release = await this.#wire.locks.take(key);
    if (!release) return false;
    // Before the lock was taken, another tab may have finished this upload.
    const [record] = await this.#wire.records((one) => one.key === key && wanted(one));
    if (record) this.#hold(record, release, true);
    else release();
    return Boolean(record);
  }

  /** Lock the best free record that matches. Returns false if there is none. */
  async find(wanted, likeness) {
    const found = await this.#wire.records(wanted);
    found.sort((one, other) => likeness(other) - likeness(one));
    for (const record of found) if (await this.take(record, wanted)) return true;
    return false;
  }

  /**
   * Lock the record of an upload id. If this browser has none, create it from the broker's answer.
   * `owner` is the owner's path, if the page knows it.
   */
  async adopt(id, file, owner, signal) {
    const named = (one) => one.uploadId === id || one.key === id;
    const [stored] = await this.#wire.records(named);
    if (stored && !(await this.take(stored, named)) && (await this.#wire.records(named)).length) {
      throw new BrokerError("busy", "This upload is already in progress, perhaps in another tab.");
    }
    if (!this.record) {
      const found = await this.#wire.api("GET", `/api/uploads/${id}/`, { owner, signal });
      await this.begin({
        ...this.#wire.newRecord(owner ?? pathOfUpload(found), file, found.content_type), uploadId: id,
        size: found.size ?? file.size, digest: found.checksum_sha256, method: METHODS[found.transport],
        processing: found.state === "processing",
      });
      this.resumed = true;
    }
    if (this.record.size !== file.size) {
      this.release();
      throw mismatch();
    }
  }

  #hold(record, release, resumed) {
    this.release();
    Object.assign(this, { record, resumed, ticket: null });
    this.#release = release;
  }

  /** Release the lock. The record stays stored. */
  release() {
    this.#id = this.id;
    this.#release?.();
    this.#release = null;
    this.record = null;
  }

  /** The image is recorded: store only what is needed to recognize the same bytes later. */
  async end() {
    if (!this.record) return;
    const { key, base, owner, size, type, digest, uploadId, startedAt } = this.record;
    const ended = { ended: true, endedAt: Date.now() };
    await this.#wire.store.put({ key, base, owner, size, type, digest, uploadId, startedAt, ...ended });
    this.release();
  }

  /** Delete the record: the upload ended without an image. */
  async forget() {
    if (!this.record) return;
    await this.#wire.store.delete(this.record.key);
    this.release();
  }
}
