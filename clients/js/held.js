// What one upload goes by: its record, that no other upload has meanwhile, and its ticket.
import { BrokerError, mismatch } from "./errors.js";
import { METHODS } from "./records.js";

/** At most one record at a time, with its lock; the ticket only while it is known. */
export class Held {
  record = null; ticket = null;
  resumed = false; // what is held was begun by another upload
  #wire; #release = null; #id = null;

  constructor(wire) {
    this.#wire = wire;
  }

  /** The broker's id of the upload, once there is a ticket; also after its record is gone. */
  get id() { return this.record?.uploadId ?? this.#id; }

  /** Hold a record that nobody else has seen yet. */
  async begin(record) {
    this.#hold(record, await this.#wire.locks.take(record.key), false);
  }

  /** Hold a kept record as it is by now; false where another has it, or it is not wanted any more. */
  async take({ key }, wanted) {
    const release = await this.#wire.locks.take(key);
    if (!release) return false;
    // Between reading and locking another tab may have gone on with it, to its end.
    const [record] = await this.#wire.records((one) => one.key === key && wanted(one));
    if (record) this.#hold(record, release, true);
    else release();
    return Boolean(record);
  }

  /** Hold the first that nobody has of the wanted records, the likest first; false where there is none. */
  async find(wanted, likeness) {
    const found = await this.#wire.records(wanted);
    found.sort((one, other) => likeness(other) - likeness(one));
    for (const record of found) if (await this.take(record, wanted)) return true;
    return false;
  }

  /** Hold what an id names: from this browser, else from the broker. */
  async adopt(id, file, signal) {
    const named = (one) => one.uploadId === id || one.key === id;
    const [kept] = await this.#wire.records(named);
    if (kept && !(await this.take(kept, named)) && (await this.#wire.records(named)).length) {
      throw new BrokerError("busy", "The upload is under way already, perhaps in another tab.");
    }
    if (!this.record) {
      const found = await this.#wire.api("GET", `/api/uploads/${id}/`, { signal });
      const path = `${found.purpose === "avatar" ? "/api/users" : "/api/ads"}/${found.owner}`;
      await this.begin({
        ...this.#wire.newRecord(path, file, found.content_type), uploadId: id,
        size: found.size ?? file.size, digest: found.checksum_sha256, method: METHODS[found.transport],
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

  /** Leave the record to others; it is kept. */
  release() {
    this.#id = this.id;
    this.#release?.();
    this.#release = null;
    this.record = null;
  }

  /** The image is recorded: no more is kept than tells the same bytes, should they come again. */
  async end() {
    if (!this.record) return;
    const { key, base, owner, size, type, digest, uploadId, startedAt } = this.record;
    const ended = { ended: true, endedAt: Date.now() };
    await this.#wire.store.put({ key, base, owner, size, type, digest, uploadId, startedAt, ...ended });
    this.release();
  }

  /** Nothing came of it: nothing is kept. */
  async forget() {
    if (!this.record) return;
    await this.#wire.store.delete(this.record.key);
    this.release();
  }
}
