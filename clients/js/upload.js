// One upload: its steps in order, and pause, resume and cancel.
import { describe } from "./describe.js";
import { aborted, mismatch } from "./errors.js";
import { checkLimits } from "./limits.js";
import { LockedRecord } from "./locked-record.js";
import { Progress, isFinal } from "./progress.js";
import { contentTypeOf, earlierUpload, likeness } from "./records.js";
import { hasOwner, ownerAt, pathOf } from "./owners.js";
import { Transfer } from "./transfer.js";
import { deferred, unless } from "./waiting.js";

const CANCEL_TIMEOUT_MS = 15_000;

/** One upload: a promise of its image that can be paused, resumed and cancelled. */
export class Upload {
  #wire; #file; #options; #batch; #wanted; #isFirst; #done;
  #owner; #content; #digest;
  #image = null; // or with `waitFor: "recorded"` the upload as the API returns it
  #locked; #since = Date.now();
  #run = new AbortController();
  #gate = null; // while paused: resolved by `resume` or `cancel`
  #cancelled = false;
  #progress;
  #bytes = null; // what is hashed and sent: a copy in memory, or the file if it is large

  /** `isFirst` is false for the later uploads of a batch: they wait for the limits before they ask for a ticket. */
  constructor(wire, file, options = {}, { batch = null, wanted = null, isFirst = true } = {}) {
    this.#wire = wire;
    this.#locked = new LockedRecord(wire);
    this.#file = file;
    this.#options = options;
    this.#wanted = wanted;
    this.#batch = batch;
    this.#isFirst = isFirst;
    batch?.expect(this);
    this.#progress = new Progress(file.size, (now) => options.onProgress?.({ ...now, upload: this }));
    this.#done = this.#drive().finally(() => {
      options.signal?.removeEventListener("abort", stop);
      batch?.leave(this);
      this.#dropCopy();
      this.#locked.release();
    });
    const stop = () => void this.cancel().catch(() => {});
    options.signal?.addEventListener("abort", stop);
    if (options.signal?.aborted) stop();
  }

  get file() { return this.#file; }
  /** The broker's id of the upload, once there is a ticket. */
  get id() { return this.#locked.id; }
  /** `queued`, `hashing`, `sending`, `waiting`, `confirming`, `processing`, `paused`, `cancelled`, `failed`, `done`. */
  get phase() { return this.#progress.phase; }

  get [Symbol.toStringTag]() { return "Upload"; }
  then(done, failed) { return this.#done.then(done, failed); }
  catch(failed) { return this.#done.catch(failed); }
  finally(ended) { return this.#done.finally(ended); }

  /** Stop sending. The bytes that have arrived are kept. */
  pause() {
    if (this.#gate || this.#cancelled || this.#progress.hasEnded) return;
    this.#gate = deferred();
    this.#batch?.leave(this); // the other uploads do not wait for this one; it gets its own ticket later
    this.#run.abort();
    this.#notify("paused");
    if (this.#digest === undefined) this.#dropCopy(); // it is read again after the files that wait for room
    this.#wire.copies.check();
  }

  resume() {
    if (!this.#gate) return;
    this.#open();
    if (!this.#progress.hasEnded) this.#notify("queued");
  }

  #open() {
    this.#gate?.resolve();
    this.#gate = null;
  }

  /** Cancel the upload. Resolves to true when it is cancelled, to false if it had ended before. */
  cancel() {
    if (this.#progress.hasEnded) return Promise.resolve(false);
    this.#cancelled = true;
    this.#batch?.leave(this);
    this.#run.abort();
    this.#open();
    const failed = (error) => {
      if (error.code !== "aborted") throw error;
      return true;
    };
    return this.#done.then(() => false, failed);
  }

  #notify(phase, loaded, error) {
    if (this.#progress.hasEnded) return; // the batch may still report something
    // A request that the pause interrupted may still report something.
    if (this.#gate && phase !== "paused" && !isFinal(phase)) return;
    this.#progress.set(phase, loaded, error);
  }

  #waiting = (error) => this.#notify("waiting", undefined, error);

  /** Run the steps to their end. A pause ends the steps early, and `resume` starts them again. */
  async #drive() {
    await null; // first let the caller have the Upload, then send the first progress event
    try {
      const image = await this.#untilDone();
      this.#notify("done", this.#file.size);
      return image;
    } catch (error) {
      this.#notify(this.#cancelled ? "cancelled" : "failed", undefined, error);
      throw error;
    }
  }

  async #untilDone() {
    for (;;) {
      while (this.#gate) await this.#gate.promise;
      if (this.#cancelled) return await this.#cancelUpload();
      const run = (this.#run = new AbortController());
      try {
        return await this.#steps(run.signal);
      } catch (error) {
        if (run.signal.aborted) continue;
        run.abort(); // the file may still be hashed
        throw error;
      }
    }
  }

  async #steps(signal) {
    if (this.#image) return await this.#describe(signal);
    this.#owner ??= this.#wanted && !hasOwner(this.#options) ? null : ownerAt(pathOf(this.#options));
    this.#content ??= contentTypeOf(this.#file, this.#options.contentType);
    if (this.#wanted && !this.#locked.record) {
      await this.#locked.adopt(this.#wanted, this.#file, this.#owner?.path ?? null, signal);
      this.#owner = ownerAt(this.#locked.record.owner);
      this.#content = this.#locked.record.type;
    }
    await this.#prepare(signal);
    // Another device may have declared no digest, if the broker does not require a digest.
    if (this.#wanted && (this.#locked.record.digest ??= this.#digest) !== this.#digest) throw mismatch();
    if (!this.#locked.record) await this.#find();
    for (let restarts = 0; !this.#image; restarts++) {
      try {
        this.#image = await this.#transfer(signal);
        await this.#locked.end();
      } catch (error) {
        if (signal.aborted) throw error;
        const { code, status } = error, { resumed } = this.#locked;
        const { action } = this.#wire.retries.decide("end", { code, status, resumed }, { tries: restarts });
        if (action === "restart") {
          const dropped = this.#locked.record;
          await this.#locked.forget();
          this.#batch?.leave(this);
          this.#batch = null;
          await this.#begin(dropped);
          continue;
        }
        if (code === "s3_refused") await this.#delete(signal).catch(() => {});
        if (action === "forget") await this.#locked.forget(); // otherwise a later upload of the same file would resume it
        throw error;
      }
    }
    return await this.#describe(signal);
  }

  /** Hash the file, and check it against the limits meanwhile. */
  async #prepare(signal) {
    const hashed = this.#hash(signal), { size } = this.#file;
    const isWaiting = () => !this.#isFirst || this.#digest === undefined;
    const checked = checkLimits(this.#wire, this.#owner, { size, type: this.#content }, {
      signal, waiting: (error) => { if (isWaiting()) this.#waiting(error); },
    });
    await Promise.race([hashed, checked]); // a refused file fails before it is hashed
    await hashed;
    if (!this.#isFirst) await checked; // the first ticket does not wait for the limits: the API checks them too
  }

  async #hash(signal) {
    const read = async () => {
      this.#bytes ??= await this.#wire.copies.take(this, signal);
      this.#notify("hashing", 0);
      return this.#bytes;
    };
    this.#digest ??= await this.#wire.hasher.file(read, (n) => this.#notify("hashing", n), signal);
    if (this.phase === "hashing") this.#notify("queued", 0);
  }

  #dropCopy() {
    this.#bytes = null;
    this.#wire.copies.drop(this);
  }

  /** Resume an earlier upload of the same bytes for the same owner, or start a new one. */
  async #find() {
    const content = { owner: this.#owner.path, digest: this.#digest, size: this.#file.size, type: this.#content };
    const earlier = earlierUpload(content, { since: this.#since, again: this.#options.again });
    if (await this.#locked.find(earlier, likeness(this.#file))) this.#batch?.leave(this);
    else await this.#begin();
  }

  async #begin(dropped = {}) {
    const record = this.#wire.newRecord(this.#owner.path, this.#file, this.#content);
    const { altText = dropped.altText ?? "", order = dropped.order ?? 0, transport } = this.#options;
    await this.#locked.begin({ ...record, digest: this.#digest, altText, order, transport });
  }

  #api(method, path, { signal, body } = {}) {
    const { uploadId, owner } = this.#locked.record;
    return this.#wire.api(method, `/api/uploads/${uploadId}/${path}`, { body, owner, signal, waiting: this.#waiting });
  }

  async #transfer(signal) {
    const notify = (phase, ...more) => {
      if (signal.aborted) return; // a pause has ended this run
      if (phase === "confirming") this.#batch?.leave(this);
      this.#notify(phase, ...more);
    };
    if (!this.#locked.record.uploadId) this.#locked.ticket = await this.#ask(signal);
    const transfer = new Transfer(this.#wire, this.#bytes ?? this.#file, this.#locked, notify, signal);
    const answer = await transfer.run();
    if (answer.state !== "processing") return answer;
    this.#dropCopy();
    const working = () => notify("processing", this.#file.size);
    working();
    this.#locked.record.processing = true;
    await this.#wire.store.put(this.#locked.record);
    if (this.#options.waitFor === "recorded") return answer;
    return await this.#wire.processing.image(this.id, {
      owner: this.#owner.path, signal, waiting: (error) => notify("waiting", undefined, error), working,
      retryAfter: transfer.retryAfter,
    });
  }

  /** Get a ticket, in the batch or alone. If the request was sent before, the same request is sent again. */
  async #ask(signal) {
    const { record } = this.#locked;
    const asked = { signal, waiting: this.#waiting };
    if (this.#batch?.has(this)) return await unless(signal, this.#batch.join(this, record, asked.waiting));
    if (!record.request) return await this.#wire.issueAlone(record, asked);
    try {
      return await this.#wire.issue(record, asked);
    } catch (error) {
      // An earlier page asked for several tickets at once. This file alone may be accepted.
      const { action } = this.#wire.retries.decide("batch", error);
      if (action !== "one_by_one" || record.index === null) throw error;
      return await this.#wire.issueAlone(record, asked);
    }
  }

  async #describe(signal) {
    const image = this.#image;
    if (image.state || !this.#locked.resumed || !this.#owner.file) return image;
    return await describe(this.#wire, this.#owner.file(image.id), image, this.#options, { signal, waiting: this.#waiting });
  }

  /** Cancel the upload at the broker. If the image is recorded already, return it. */
  async #cancelUpload() {
    this.#run = new AbortController();
    const { signal } = this.#run;
    const timer = setTimeout(() => this.#run.abort(), CANCEL_TIMEOUT_MS);
    let cause;
    try {
      if (!this.#image) await this.#delete(signal);
    } catch (error) {
      if (error.code === "upload_settled") this.#image = await this.#recorded(signal);
      else cause = error; // the ticket expires by itself
    } finally {
      clearTimeout(timer);
    }
    if (!this.#image) {
      await this.#locked.forget();
      throw aborted(cause);
    }
    await this.#locked.end();
    return this.#image;
  }

  /** Return the image, or null if it was deleted or rejected. */
  async #recorded(signal) {
    return await this.#api("POST", "confirm/", { signal }).catch((error) => {
      if ([404, 410, 422].includes(error.status)) return null;
      throw error;
    });
  }

  async #delete(signal) {
    const record = this.#locked.record;
    // A ticket also has a slot if its answer was lost. The same request returns its id.
    if (record?.request && !record.uploadId) {
      await (this.#batch?.has(this) ? unless(signal, this.#batch.join(this)) : this.#wire.issue(record, { signal }));
    }
    if (record?.uploadId) await this.#api("DELETE", "", { signal });
  }
}
