// What one upload goes by: its record, that no other tab has meanwhile, and its ticket.

/** At most one record at a time, with its lock; the ticket only while it is known. */
export class Held {
  record = null; ticket = null;
  #wire; #release = null; #id = null;

  constructor(wire) {
    this.#wire = wire;
  }

  /** The broker's id of the upload, once there is a ticket; also after its record is gone. */
  get id() { return this.record?.uploadId ?? this.#id; }

  /** Take a record in place of what is held; false where another has it. */
  async take(record) {
    const release = await this.#wire.locks.take(record.key);
    if (!release) return false;
    this.release();
    this.#release = release;
    this.record = record;
    return true;
  }

  /** Leave the record to others; it is kept. */
  release() {
    this.#id = this.id;
    this.#release?.();
    this.#release = null;
    this.record = null;
  }

  /** The upload has ended: nothing of it is kept. */
  async forget() {
    if (!this.record) return;
    await this.#wire.store.delete(this.record.key);
    this.release();
  }
}
