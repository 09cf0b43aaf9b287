// One upload: its steps in order, and how a page pauses, resumes and cancels it.
import { BrokerError, aborted, mismatch } from "./errors.js";
import { Held } from "./held.js";
import { METHODS, contentTypeOf, declared, idsOf, ownerOf, uuid } from "./records.js";
import { Transfer } from "./transfer.js";
import { deferred, unless } from "./waiting.js";

const CANCEL_TIMEOUT = 15_000; // milliseconds
const RESTARTS = 2; // tickets asked for anew where one has died on the way

/** One upload under way: a promise of its image that can be paused, resumed and cancelled. */
export class Upload {
  #wire; #file; #options; #batch; #wanted; #done;
  #owner; #content; #digest; #image = null;
  #held; #resumed = false;
  #run = new AbortController();
  #gate = null; // while paused: what opens it
  #cancelled = false;
  #told = { phase: "queued", loaded: 0, total: 0 };

  constructor(wire, file, options = {}, { batch = null, wanted = null } = {}) {
    this.#wire = wire;
    this.#held = new Held(wire);
    this.#file = file;
    this.#options = options;
    this.#wanted = wanted;
    this.#batch = batch;
    batch?.expect(this);
    this.#told.total = file.size;
    this.#done = this.#drive().finally(() => {
      options.signal?.removeEventListener("abort", stop);
      batch?.leave(this);
      this.#held.release();
    });
    const stop = () => void this.cancel().catch(() => {});
    options.signal?.addEventListener("abort", stop);
    if (options.signal?.aborted) stop();
  }

  get file() { return this.#file; }
  /** The broker's id of the upload, once there is a ticket. */
  get id() { return this.#held.id; }
  /** `queued`, `hashing`, `sending`, `waiting`, `confirming`, `paused`, `cancelled`, `failed`, `done`. */
  get phase() { return this.#told.phase; }

  get [Symbol.toStringTag]() { return "Upload"; }
  then(done, failed) { return this.#done.then(done, failed); }
  catch(failed) { return this.#done.catch(failed); }
  finally(ended) { return this.#done.finally(ended); }

  /** Stop sending, and keep what has arrived. */
  pause() {
    if (this.#gate || this.#ended()) return;
    this.#gate = deferred();
    this.#batch?.leave(this); // it asks for a ticket of its own; the others need not wait
    this.#run.abort();
    this.#tell("paused");
  }

  resume() {
    this.#gate?.resolve();
    this.#gate = null;
  }

  /** Give the upload up; true once nothing of it is left, false where it had ended before. */
  cancel() {
    if (this.#ended()) return Promise.resolve(false);
    this.#cancelled = true;
    this.#batch?.leave(this);
    this.#run.abort();
    this.resume();
    const failed = (error) => {
      if (error.code !== "aborted") throw error;
      return true;
    };
    return this.#done.then(() => false, failed);
  }

  #ended() {
    return ["done", "failed", "cancelled"].includes(this.#told.phase);
  }

  #tell(phase, loaded = this.#told.loaded, error = null) {
    this.#told = { phase, loaded, total: this.#file.size };
    try {
      this.#options.onProgress?.({ ...this.#told, error, upload: this });
    } catch (fault) {
      globalThis.reportError?.(fault); // the page's own, and no reason to stop
    }
  }

  /** Run the steps until they end; a pause ends them too, and they begin again where they were. */
  async #drive() {
    await null; // the caller has the handle before anything is told
    try {
      const image = await this.#untilDone();
      this.#tell("done", this.#file.size);
      return image;
    } catch (error) {
      this.#tell(this.#cancelled ? "cancelled" : "failed", undefined, error);
      throw error;
    }
  }

  async #untilDone() {
    for (;;) {
      while (this.#gate) await this.#gate.promise;
      if (this.#cancelled) return await this.#giveBack();
      this.#run = new AbortController();
      try {
        return await this.#steps(this.#run.signal);
      } catch (error) {
        if (!this.#run.signal.aborted) throw error;
      }
    }
  }

  async #steps(signal) {
    if (this.#image) return await this.#describe(this.#image, signal);
    this.#owner ??= this.#wanted ? null : ownerOf(this.#options);
    this.#content ??= contentTypeOf(this.#file, this.#options.contentType);
    if (this.#wanted && !this.#held.record) await this.#adopt(signal);
    await this.#check(signal);
    if (this.#digest === undefined) {
      this.#tell("hashing", 0);
      this.#digest = await this.#wire.hasher.file(this.#file, (n) => this.#tell("hashing", n), signal);
      this.#tell("queued", 0);
    }
    if (this.#wanted && this.#held.record.digest !== this.#digest) throw mismatch();
    if (!this.#held.record) await this.#find();
    for (let restarts = 0; ; restarts++) {
      try {
        this.#image = await this.#transfer(signal);
        await this.#held.forget();
        return await this.#describe(this.#image, signal);
      } catch (error) {
        if (signal.aborted) throw error;
        const dead = error.code === "upload_expired" || error.code === "idempotency_key_reused";
        const stale = ["not_found", "upload_cancelled", "object_mismatch", "image_deleted"];
        if (restarts < RESTARTS && (dead || (this.#resumed && stale.includes(error.code)))) {
          const dropped = this.#held.record;
          await this.#held.forget();
          this.#resumed = false;
          this.#batch = null;
          await this.#begin(dropped);
          continue;
        }
        // A lost connection or login may come back: then the same file goes on from here.
        if (error.code === "s3_refused") await this.#delete(signal).catch(() => {});
        if (error.code === "s3_refused" || (error.status >= 400 && error.status < 500 && error.status !== 401)) {
          await this.#held.forget();
        }
        throw error;
      }
    }
  }

  /** Refuse by the published limits, in the API's words, before anything is asked for. */
  async #check(signal) {
    const profile = (await this.#wire.profiles(signal))[this.#owner.purpose];
    const errors = {};
    if (!profile.content_types.includes(this.#content)) {
      errors.content_type = [`Must be one of: ${profile.content_types.join(", ")}.`];
    }
    if (!(this.#file.size >= 1 && this.#file.size <= profile.max_bytes)) {
      errors.size = [`Must be from 1 to ${profile.max_bytes} bytes.`];
    }
    if (Object.keys(errors).length) {
      throw new BrokerError("validation_error", "A file cannot be accepted as declared.", { status: 422, errors });
    }
  }

  /** Take over the upload that `resume` names: from this browser, else from the broker. */
  async #adopt(signal) {
    const id = this.#wanted;
    const [kept] = await this.#wire.records((one) => one.uploadId === id || one.key === id);
    if (kept && !(await this.#held.take(kept))) {
      throw new BrokerError("busy", "The upload is under way already, perhaps in another tab.");
    }
    if (!kept) {
      const found = await this.#wire.api("GET", `/api/uploads/${id}/`, { signal });
      const path = `${found.purpose === "avatar" ? "/api/users" : "/api/ads"}/${found.owner}`;
      await this.#held.take({
        ...this.#wire.newRecord(path, this.#file, found.content_type), uploadId: id,
        size: found.size, digest: found.checksum_sha256, method: METHODS[found.transport],
      });
    }
    this.#owner = ownerOf(idsOf(this.#held.record.owner));
    this.#content = this.#held.record.type;
    this.#resumed = true;
    if (this.#held.record.size !== this.#file.size) {
      this.#held.release();
      throw mismatch();
    }
  }

  /** Go on with what an earlier page began with the same bytes for the same owner, else begin. */
  async #find() {
    const same = await this.#wire.records((one) =>
      one.owner === this.#owner.path && one.digest === this.#digest &&
      one.size === this.#file.size && one.type === this.#content);
    same.sort((one, other) => this.#likeness(other) - this.#likeness(one));
    for (const record of same) {
      if (await this.#held.take(record)) {
        this.#resumed = true;
        return this.#batch?.leave(this);
      }
    }
    await this.#begin();
  }

  #likeness(record) {
    return (record.name === this.#file.name) + (record.lastModified === this.#file.lastModified);
  }

  async #begin(dropped = {}) {
    const record = this.#wire.newRecord(this.#owner.path, this.#file, this.#content);
    const { altText = dropped.altText ?? "", order = dropped.order ?? 0, transport } = this.#options;
    await this.#held.take({ ...record, digest: this.#digest, altText, order, transport });
    this.#held.ticket = null;
  }

  #api(method, path, { signal, body } = {}) {
    const url = `/api/uploads/${this.#held.record.uploadId}/${path}`;
    return this.#wire.api(method, url, { body, signal, waiting: (error) => this.#tell("waiting", undefined, error) });
  }

  async #transfer(signal) {
    if (!this.#held.record.uploadId) await this.#ask(signal);
    const free = await this.#wire.slots.take(signal);
    try {
      const tell = (...told) => this.#tell(...told);
      return await new Transfer(this.#wire, this.#file, this.#held, tell, signal).run();
    } finally {
      free();
    }
  }

  /** Get a ticket; its request is kept before it is sent, so that it can be repeated as it was. */
  async #ask(signal) {
    const record = this.#held.record;
    const waiting = (error) => this.#tell("waiting", undefined, error);
    if (!record.request && this.#batch?.has(this)) {
      this.#held.ticket = await unless(signal, this.#batch.join(this, record, declared(record), waiting));
      return;
    }
    if (!record.request) {
      const path = `${record.owner}/${this.#owner.purpose === "avatar" ? "upload_avatar" : "upload_image"}/`;
      record.request = { path, key: uuid(), body: JSON.stringify(declared(record)) };
      record.index = null;
      await this.#wire.store.put(record);
    }
    this.#held.ticket = await this.#wire.issue(record, { signal, waiting });
  }

  /** Set what this page says of the image where an earlier one had said something else. */
  async #describe(image, signal) {
    const { altText = image.alt_text, order = image.order } = this.#options;
    if (this.#owner.purpose === "avatar" || (altText === image.alt_text && order === image.order)) return image;
    const body = { alt_text: altText, order };
    return await this.#wire.api("PATCH", `${this.#owner.path}/images/${image.id}/`, { body, signal });
  }

  /** After `cancel`: give the ticket back; where the image is recorded already, that is the outcome. */
  async #giveBack() {
    this.#run = new AbortController();
    const late = setTimeout(() => this.#run.abort(), CANCEL_TIMEOUT);
    let cause;
    try {
      if (this.#image) return this.#image;
      await this.#delete(this.#run.signal);
    } catch (error) {
      if (error.code === "upload_settled") return await this.#api("POST", "confirm/", { signal: this.#run.signal });
      cause = error; // the ticket ends by itself when its time has passed
    } finally {
      clearTimeout(late);
      await this.#held.forget().catch(() => {});
    }
    throw aborted(cause);
  }

  async #delete(signal) {
    const record = this.#held.record;
    // A ticket whose answer was never read takes a place, too: the same request tells its id.
    if (record?.request && !record.uploadId) {
      await (this.#batch?.has(this) ? unless(signal, this.#batch.join(this)) : this.#wire.issue(record, { signal }));
    }
    if (record?.uploadId) await this.#api("DELETE", "", { signal });
  }
}
