// One upload: its steps in order, and how a page pauses, resumes and cancels it.
import { ALONE } from "./batch.js";
import { aborted, isFinal, mismatch } from "./errors.js";
import { Held } from "./held.js";
import { checkLimits } from "./limits.js";
import { contentTypeOf, idsOf, ownerOf } from "./records.js";
import { Transfer } from "./transfer.js";
import { deferred, unless } from "./waiting.js";

const CANCEL_TIMEOUT = 15_000; // milliseconds
const RESTARTS = 2; // tickets asked for anew where one has died on the way
// What may have become of an upload that was begun earlier.
const GONE = ["not_found", "forbidden", "upload_cancelled", "object_mismatch", "image_deleted"];
const ENDS = ["done", "failed", "cancelled"];

/** One upload under way: a promise of its image that can be paused, resumed and cancelled. */
export class Upload {
  #wire; #file; #options; #batch; #wanted; #done;
  #owner; #content; #digest; #image = null;
  #held; #since = Date.now();
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
    if (this.#gate || this.#cancelled || this.#ended()) return;
    this.#gate = deferred();
    this.#batch?.leave(this); // it asks for a ticket of its own; the others need not wait
    this.#run.abort();
    this.#tell("paused");
  }

  resume() {
    if (!this.#gate) return;
    this.#open();
    if (!this.#ended()) this.#tell("queued");
  }

  #open() {
    this.#gate?.resolve();
    this.#gate = null;
  }

  /** Give the upload up; true once nothing of it is left, false where it had ended before. */
  cancel() {
    if (this.#ended()) return Promise.resolve(false);
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

  #ended() {
    return ENDS.includes(this.#told.phase);
  }

  #tell(phase, loaded = this.#told.loaded, error = null) {
    if (this.#ended()) return; // its batch may still be waited for
    // What a pause breaks off may still speak.
    if (this.#gate && phase !== "paused" && !ENDS.includes(phase)) return;
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
    if (this.#image) return await this.#describe(signal);
    this.#owner ??= this.#wanted ? null : ownerOf(this.#options);
    this.#content ??= contentTypeOf(this.#file, this.#options.contentType);
    if (this.#wanted && !this.#held.record) {
      await this.#held.adopt(this.#wanted, this.#file, signal);
      this.#owner = ownerOf(idsOf(this.#held.record.owner));
      this.#content = this.#held.record.type;
    }
    const profiles = await this.#wire.profiles(signal, (error) => this.#tell("waiting", undefined, error));
    checkLimits(profiles[this.#owner.purpose], this.#file.size, this.#content);
    if (this.#digest === undefined) {
      this.#tell("hashing", 0);
      this.#digest = await this.#wire.hasher.file(this.#file, (n) => this.#tell("hashing", n), signal);
      this.#tell("queued", 0);
    }
    // Another device may have declared none, where the broker does not require one.
    if (this.#wanted && (this.#held.record.digest ??= this.#digest) !== this.#digest) throw mismatch();
    if (!this.#held.record) await this.#find();
    for (let restarts = 0; !this.#image; restarts++) {
      try {
        this.#image = await this.#transfer(signal);
        await this.#held.end();
      } catch (error) {
        if (signal.aborted) throw error;
        const dead = error.code === "upload_expired" || error.code === "idempotency_key_reused";
        if (restarts < RESTARTS && (dead || (this.#held.resumed && GONE.includes(error.code)))) {
          const dropped = this.#held.record;
          await this.#held.forget();
          this.#batch = null;
          await this.#begin(dropped);
          continue;
        }
        if (error.code === "s3_refused") await this.#delete(signal).catch(() => {});
        if (isFinal(error)) await this.#held.forget(); // else the same file goes on from here
        throw error;
      }
    }
    return await this.#describe(signal);
  }

  /** Go on with what was begun earlier with the same bytes for the same owner, else begin. */
  async #find() {
    // Of two calls at the same time each gets an image of its own, however soon the first has ended.
    // What has ended in the future has ended before the clock was set back.
    const before = ({ endedAt }) => endedAt <= this.#since || endedAt > Date.now();
    const usable = (one) => !one.ended || (!this.#options.again && before(one));
    const same = (one) => one.owner === this.#owner.path && one.digest === this.#digest
      && one.size === this.#file.size && one.type === this.#content && usable(one);
    if (await this.#held.find(same, (one) => this.#likeness(one))) this.#batch?.leave(this);
    else await this.#begin();
  }

  #likeness(record) {
    if (record.ended) return -1; // what waits to be ended comes first
    return (record.name === this.#file.name) + (record.lastModified === this.#file.lastModified);
  }

  async #begin(dropped = {}) {
    const record = this.#wire.newRecord(this.#owner.path, this.#file, this.#content);
    const { altText = dropped.altText ?? "", order = dropped.order ?? 0, transport } = this.#options;
    await this.#held.begin({ ...record, digest: this.#digest, altText, order, transport });
  }

  #api(method, path, { signal, body } = {}) {
    const url = `/api/uploads/${this.#held.record.uploadId}/${path}`;
    return this.#wire.api(method, url, { body, signal, waiting: (error) => this.#tell("waiting", undefined, error) });
  }

  async #transfer(signal) {
    // A run that a pause has ended is followed by another, and has no more to say.
    const tell = (...told) => signal.aborted || this.#tell(...told);
    if (!this.#held.record.uploadId) this.#held.ticket = await this.#ask(signal);
    const free = await this.#wire.slots.take(signal);
    try {
      return await new Transfer(this.#wire, this.#file, this.#held, tell, signal).run();
    } finally {
      free();
    }
  }

  /** Get a ticket, in the batch or alone; what was asked already is repeated as it was. */
  async #ask(signal) {
    const { record } = this.#held;
    const asked = { signal, waiting: (error) => this.#tell("waiting", undefined, error) };
    if (this.#batch?.has(this)) return await unless(signal, this.#batch.join(this, record, asked.waiting));
    if (!record.request) return await this.#wire.issueAlone(record, asked);
    try {
      return await this.#wire.issue(record, asked);
    } catch (error) {
      // An earlier page asked for several; this one may be right, and have room.
      if (!ALONE.includes(error.code) || record.index === null) throw error;
      return await this.#wire.issueAlone(record, asked);
    }
  }

  /** Set what this page says of an image that was begun earlier; it is recorded, whatever comes of this. */
  async #describe(signal) {
    const image = this.#image, { altText, order } = this.#options, said = {};
    if (altText && altText !== image.alt_text) said.alt_text = altText;
    if ((order ?? image.order) !== image.order) said.order = order;
    if (!this.#held.resumed || this.#owner.purpose === "avatar" || !Object.keys(said).length) return image;
    const waiting = (error) => this.#tell("waiting", undefined, error);
    try {
      return await this.#wire.api("PATCH", `${this.#owner.path}/images/${image.id}/`, { body: said, signal, waiting });
    } catch (error) {
      if (signal.aborted) throw error;
      return image;
    }
  }

  /** After `cancel`: give the ticket back; where the image is recorded already, that is the outcome. */
  async #giveBack() {
    this.#run = new AbortController();
    const { signal } = this.#run;
    const late = setTimeout(() => this.#run.abort(), CANCEL_TIMEOUT);
    let cause;
    try {
      if (!this.#image) await this.#delete(signal);
    } catch (error) {
      if (error.code === "upload_settled") this.#image = await this.#recorded(signal);
      else cause = error; // the ticket ends by itself when its time has passed
    } finally {
      clearTimeout(late);
    }
    if (!this.#image) {
      await this.#held.forget();
      throw aborted(cause);
    }
    await this.#held.end();
    return this.#image;
  }

  /** Give the image, or null where it has been deleted since. */
  async #recorded(signal) {
    return await this.#api("POST", "confirm/", { signal }).catch((error) => {
      if (error.status === 404 || error.status === 410) return null;
      throw error;
    });
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
