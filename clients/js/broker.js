/**
 * The upload broker's client for browsers: from a File to a recorded image.
 *
 * One module without dependencies; `sha256-worker.js` beside it hashes off the main thread. What
 * is sent, and what each answer means, is docs/mobile.md's and docs/errors.md's.
 */
import { WORKER_NAME, sha256 } from "./sha256-worker.js";

const FILES_PER_REQUEST = 50;
const PARTS_PER_REQUEST = 3; // signed together; their digests are made just before
const PARTS_AT_ONCE = 3;
const API_TIMEOUT = 30_000; // milliseconds, as all times here
const IDEMPOTENCY_LIFE = 24 * 3600_000; // what the broker keeps an Idempotency-Key for
const RESTARTS = 2; // tickets asked for anew where one has died on the way
const SEND_EARLY = 5_000; // a form this near its end is renewed first
const ASSEMBLING_TRIES = 60;

/** An outcome that the page is told about; decide by `code`: the API's own, or one of ours. */
export class BrokerError extends Error {
  constructor(code, detail, { status = 0, errors = null, retryAfter = null, s3Code = null, cause } = {}) {
    super(detail, { cause });
    Object.assign(this, { name: "BrokerError", code, status, detail, errors, retryAfter, s3Code });
  }
}

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

  /** Upload an ad's images; their tickets are asked for together, up to 50 at a time. */
  uploadAll(files, options) {
    const uploads = [];
    const all = [...files];
    for (let at = 0; at < all.length; at += FILES_PER_REQUEST) {
      const batch = new Batch(this.#wire, `${ownerOf(options).path}/upload_images/`);
      for (const file of all.slice(at, at + FILES_PER_REQUEST)) {
        const own = { ...options, ...options.each?.(file, uploads.length) };
        uploads.push(new Upload(this.#wire, file, own, { batch }));
      }
    }
    return new Uploads(uploads);
  }

  /** List what was begun in this browser and has not ended: of one owner, or all. */
  async resumable(options) {
    const owner = options && (options.ad ?? options.user) !== undefined ? ownerOf(options) : null;
    const records = await this.#wire.records((one) => !owner || one.owner === owner.path);
    return records.map((one) => ({
      id: one.uploadId ?? one.key, ...idsOf(one.owner), name: one.name, size: one.size,
      type: one.type, lastModified: one.lastModified, altText: one.altText, order: one.order,
      startedAt: new Date(one.startedAt),
    }));
  }

  /** Go on with an upload, by its id, with the same file, which the user has chosen again. */
  resume(id, file, options = {}) {
    return new Upload(this.#wire, file, options, { wanted: id });
  }
}

/** One upload under way: a promise of its image that can be paused, resumed and cancelled. */
export class Upload {
  #wire; #file; #options; #batch; #wanted; #done;
  #owner; #content; #digest; #record = null; #ticket = null; #release = null;
  #id = null; #resumed = false;
  #run = new AbortController();
  #gate = null; // while paused: what opens it
  #cancelled = false;
  #told = { phase: "queued", loaded: 0, total: 0 };

  constructor(wire, file, options = {}, { batch = null, wanted = null } = {}) {
    this.#wire = wire;
    this.#file = file;
    this.#options = options;
    this.#wanted = wanted;
    this.#batch = batch;
    batch?.expect(this);
    this.#told.total = file.size;
    this.#done = this.#drive().finally(() => {
      options.signal?.removeEventListener("abort", stop);
      batch?.leave(this);
      this.#release?.();
    });
    const stop = () => void this.cancel().catch(() => {});
    options.signal?.addEventListener("abort", stop);
    if (options.signal?.aborted) stop();
  }

  get file() { return this.#file; }
  /** The broker's id of the upload, once there is a ticket. */
  get id() { return this.#record?.uploadId ?? this.#id; }
  /** `queued`, `hashing`, `sending`, `waiting`, `confirming`, `paused`, `cancelled`, `failed`, `done`. */
  get phase() { return this.#told.phase; }

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
    this.#options.onProgress?.({ ...this.#told, error, upload: this });
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
    this.#owner ??= this.#wanted ? null : ownerOf(this.#options);
    this.#content ??= contentTypeOf(this.#file, this.#options.contentType);
    if (this.#wanted && !this.#record) await this.#adopt(signal);
    await this.#check(signal);
    if (this.#digest === undefined) {
      this.#tell("hashing", 0);
      this.#digest = await this.#wire.hasher.file(this.#file, (n) => this.#tell("hashing", n), signal);
    }
    if (this.#wanted && this.#record.digest !== this.#digest) throw mismatch();
    if (!this.#record) await this.#find();
    for (let restarts = 0; ; restarts++) {
      try {
        const image = await this.#transfer(signal);
        await this.#forget();
        return await this.#describe(image, signal);
      } catch (error) {
        if (signal.aborted) throw error;
        const dead = error.code === "upload_expired" || error.code === "idempotency_key_reused";
        const stale = ["not_found", "upload_cancelled", "object_mismatch", "image_deleted"];
        if (restarts < RESTARTS && (dead || (this.#resumed && stale.includes(error.code)))) {
          await this.#forget();
          this.#resumed = false;
          await this.#begin();
          continue;
        }
        // A lost connection or login may come back: then the same file goes on from here.
        if (error.code === "s3_refused") await this.#delete(signal).catch(() => {});
        if (error.code === "s3_refused" || (error.status >= 400 && error.status < 500 && error.status !== 401)) {
          await this.#forget();
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
    if (kept && !(await this.#hold(kept))) {
      throw new BrokerError("busy", "The upload is under way already, perhaps in another tab.");
    }
    if (!kept) {
      const found = await this.#wire.api("GET", `/api/uploads/${id}/`, { signal });
      const path = `${found.purpose === "avatar" ? "/api/users" : "/api/ads"}/${found.owner}`;
      await this.#hold({
        ...this.#wire.newRecord(path, this.#file, found.content_type), uploadId: id,
        size: found.size, digest: found.checksum_sha256, method: METHODS[found.transport],
      });
    }
    this.#owner = ownerOf(idsOf(this.#record.owner));
    this.#content = this.#record.type;
    this.#resumed = true;
    if (this.#record.size !== this.#file.size) {
      this.#releaseRecord();
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
      if (await this.#hold(record)) {
        this.#resumed = true;
        return this.#batch?.leave(this);
      }
    }
    await this.#begin();
  }

  #likeness(record) {
    return (record.name === this.#file.name) + (record.lastModified === this.#file.lastModified);
  }

  async #begin() {
    const record = this.#wire.newRecord(this.#owner.path, this.#file, this.#content);
    const { altText = "", order = 0, transport } = this.#options;
    await this.#hold({ ...record, digest: this.#digest, altText, order, transport });
    this.#ticket = null;
  }

  async #hold(record) {
    const release = await this.#wire.hold(record.key);
    if (!release) return false;
    this.#releaseRecord();
    this.#release = release;
    this.#record = record;
    return true;
  }

  #releaseRecord() {
    this.#id = this.#record?.uploadId ?? this.#id;
    this.#release?.();
    this.#release = null;
    this.#record = null;
  }

  async #forget() {
    if (!this.#record) return;
    await this.#wire.store.delete(this.#record.key);
    this.#releaseRecord();
  }

  #api(method, path, { signal, body } = {}) {
    const url = `/api/uploads/${this.#record.uploadId}/${path}`;
    return this.#wire.api(method, url, { body, signal, waiting: (error) => this.#tell("waiting", undefined, error) });
  }

  async #transfer(signal) {
    if (!this.#record.uploadId) await this.#ask(signal);
    const free = await this.#wire.slots.take(signal);
    try {
      if (this.#record.method === "MULTIPART") return await this.#multipart(signal);
      if (!this.#record.sent) await this.#single(signal);
      return await this.#confirm(signal);
    } catch (error) {
      // The image is recorded already: an earlier answer was lost, or the bucket's event was first.
      if (error.code === "upload_settled") return await this.#api("POST", "confirm/", { signal });
      throw error;
    } finally {
      free();
    }
  }

  /** Get a ticket; its request is kept before it is sent, so that it can be repeated as it was. */
  async #ask(signal) {
    const record = this.#record;
    const waiting = (error) => this.#tell("waiting", undefined, error);
    if (!record.request && this.#batch?.has(this)) {
      this.#ticket = await unless(signal, this.#batch.join(this, record, declared(record), waiting));
      return;
    }
    if (!record.request) {
      const path = `${record.owner}/${this.#owner.purpose === "avatar" ? "upload_avatar" : "upload_image"}/`;
      record.request = { path, key: uuid(), body: JSON.stringify(declared(record)) };
      record.index = null;
      await this.#wire.store.put(record);
    }
    this.#ticket = await this.#wire.issue(record, { signal, waiting });
  }

  async #single(signal) {
    await this.#deliver(signal, this.#file, async (again) => {
      const ticket = this.#ticket;
      if (again || !ticket || Date.now() > ticket.until - SEND_EARLY) {
        this.#ticket = withLife(await this.#api("POST", "renew/", { signal }));
      }
      return { ...this.#ticket.upload, until: this.#ticket.until };
    }, (loaded) => this.#tell("sending", loaded));
    this.#record.sent = true;
    await this.#wire.store.put(this.#record);
  }

  async #confirm(signal) {
    this.#tell("confirming", this.#file.size);
    for (let tries = 1; ; tries++) {
      try {
        return await this.#api("POST", "confirm/", { signal });
      } catch (error) {
        if (error.code !== "object_missing" || tries === this.#wire.tries) throw error;
        if (tries === 3) {
          // It was sent, and is not there: then it is sent once more.
          this.#record.sent = false;
          await this.#single(signal);
          this.#tell("confirming", this.#file.size);
        } else {
          await rest(seconds(error.retryAfter, 1), signal);
        }
      }
    }
  }

  async #multipart(signal) {
    for (let rounds = 1, waits = 1; ; ) {
      try {
        const plan = await this.#api("GET", "parts/", { signal });
        if (plan.missing.length) await this.#parts(plan, signal);
        this.#tell("confirming", this.#file.size);
        return await this.#api("POST", "complete/", { signal });
      } catch (error) {
        if (signal.aborted) throw error;
        if (error.code === "upload_settled") return await this.#api("POST", "complete/", { signal });
        if (error.code === "object_missing" && waits++ < ASSEMBLING_TRIES) {
          await rest(seconds(error.retryAfter, 2), signal); // S3 is putting the parts together
        } else if (["parts_missing", "NoSuchUpload"].includes(error.code) && rounds++ < this.#wire.tries) {
          await rest(backoff(rounds), signal);
        } else {
          throw error;
        }
      }
    }
  }

  /** Send the missing parts, a few at once; the first failure stops the others. */
  async #parts({ missing, part_size: partSize, size }, signal) {
    const blob = (number) => this.#file.slice((number - 1) * partSize, Math.min(number * partSize, size));
    const arrived = size - missing.reduce((sum, number) => sum + blob(number).size, 0);
    const loaded = new Map(), digests = new Map(), queue = [...missing], signed = [];
    const stop = new AbortController();
    const stopped = () => stop.abort();
    signal.addEventListener("abort", stopped);
    const sign = async (numbers) => {
      for (const number of numbers) {
        if (!digests.has(number)) digests.set(number, await this.#wire.hasher.part(blob(number), stop.signal));
      }
      const parts = numbers.map((number) => ({ part_number: number, checksum_sha256: digests.get(number) }));
      const answer = await this.#api("POST", "parts/", { body: { parts }, signal: stop.signal });
      return answer.parts.map((part) => ({ ...part, until: untilOf(answer) }));
    };
    let turn = Promise.resolve(); // one lane signs, the others wait for its urls
    const next = () => (turn = turn.then(async () => {
      if (!signed.length && queue.length) signed.push(...await sign(queue.splice(0, PARTS_PER_REQUEST)));
      return signed.shift();
    }));
    const lane = async () => {
      for (let part; (part = await next()); ) {
        const number = part.part_number;
        const target = async (again) => (again ? (await sign([number]))[0] : part);
        await this.#deliver(stop.signal, blob(number), target, (bytes) => {
          loaded.set(number, bytes);
          this.#tell("sending", [...loaded.values()].reduce((sum, n) => sum + n, arrived));
        });
        loaded.set(number, blob(number).size);
      }
    };
    this.#tell("sending", arrived);
    const lanes = Array.from({ length: PARTS_AT_ONCE }, () => lane().catch((error) => {
      stop.abort();
      throw error;
    }));
    const [first] = await Promise.allSettled(lanes).then((ends) =>
      ends.filter((end) => end.status === "rejected").map((end) => end.reason)
        .sort((one, other) => (one.code === "aborted") - (other.code === "aborted")));
    signal.removeEventListener("abort", stopped);
    if (first) throw first;
  }

  /**
   * Send bytes until S3 has them: docs/mobile.md's tables.
   *
   * `target(again)` gives where to send, signed again where `again` is true.
   */
  async #deliver(signal, blob, target, onLoaded) {
    let at = await target(false);
    for (let tries = 1, renewals = 0; ; ) {
      const answer = await send(at, blob, { signal, onLoaded, stall: this.#wire.stallTimeout });
      if (signal.aborted) throw aborted();
      // 412: a PUT is written once, and an earlier one, whose answer was lost, has arrived.
      if ((answer.status >= 200 && answer.status < 300) || answer.status === 412) return onLoaded(blob.size);
      const { code, message } = s3ErrorOf(answer);
      onLoaded(0);
      if (answer.status === 0 || answer.status >= 500) {
        await readable(this.#file);
        const error = answer.status
          ? new BrokerError("gave_up", `S3 answers ${answer.status} ${code}.`, { status: answer.status, s3Code: code })
          : new BrokerError("network", "No answer from S3.");
        if (tries >= this.#wire.tries) throw error;
        this.#tell("waiting", undefined, error);
        const wasOffline = await rest(backoff(tries), signal);
        tries = wasOffline ? 1 : tries + 1;
        // A refused form may look like a broken connection: S3 hangs up while it is being sent.
        if (Date.now() > at.until - SEND_EARLY) at = await target(true);
        continue;
      }
      if (code === "NoSuchUpload") throw new BrokerError(code, message, { status: answer.status, s3Code: code });
      let action = "renew";
      if (!(answer.status === 403 && /expired/i.test(message))) {
        ({ action } = await this.#api("POST", "failures/", { body: { code, message }, signal }));
      }
      if (action === "confirm") return onLoaded(blob.size);
      if (action === "retry" && tries++ < this.#wire.tries) await rest(backoff(tries), signal);
      else if (action === "renew" && renewals++ < this.#wire.tries) at = await target(true);
      else throw new BrokerError("s3_refused", `S3 refused the file: ${code}. ${message}`.trim(), { s3Code: code });
    }
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
    const late = setTimeout(() => this.#run.abort(), API_TIMEOUT);
    let cause;
    try {
      await this.#delete(this.#run.signal);
    } catch (error) {
      if (error.code === "upload_settled") return await this.#api("POST", "confirm/", { signal: this.#run.signal });
      cause = error; // the ticket ends by itself when its time has passed
    } finally {
      clearTimeout(late);
      await this.#forget().catch(() => {});
    }
    throw aborted(cause);
  }

  async #delete(signal) {
    const record = this.#record;
    // A ticket whose answer was never read takes a place, too: the same request tells its id.
    if (record?.request && !record.uploadId) await this.#wire.issue(record, { signal });
    if (record?.uploadId) await this.#api("DELETE", "", { signal });
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

/** One request for the tickets of several uploads, sent when each of them is ready or has left. */
class Batch {
  #wire; #path;
  #members = new Set(); // not ready yet
  #ready = new Map();

  constructor(wire, path) {
    this.#wire = wire;
    this.#path = path;
  }

  expect(upload) { this.#members.add(upload); }
  has(upload) { return this.#members.has(upload) || this.#ready.has(upload); }

  leave(upload) {
    if (this.#members.delete(upload)) this.#sendWhenReady();
  }

  /** Give the upload's ticket; asked again after a pause, the same one. */
  join(upload, record, file, waiting) {
    if (!this.#ready.has(upload)) {
      this.#members.delete(upload);
      this.#ready.set(upload, { record, file, waiting, ...deferred() });
      this.#sendWhenReady();
    }
    return this.#ready.get(upload).promise;
  }

  async #sendWhenReady() {
    if (this.#members.size || !this.#ready.size) return;
    const ready = [...this.#ready.values()];
    const body = JSON.stringify({ files: ready.map((one) => one.file) });
    const request = { path: this.#path, key: uuid(), body };
    try {
      await Promise.all(ready.map(({ record }, index) =>
        this.#wire.store.put(Object.assign(record, { request, index }))));
      const waiting = (error) => ready.forEach((one) => one.waiting(error));
      const answer = await this.#wire.issueAll(request, { waiting });
      await Promise.all(ready.map(async ({ record, resolve }) =>
        resolve(await this.#wire.keepTicket(record, answer))));
    } catch (error) {
      for (const one of ready) one.reject(error);
    }
  }
}

/** What all uploads of one broker share: the API, the records, the hasher, the places to send. */
class Wire {
  #base; #token; #bearer = null; #fetch; #limits = null; #held = new Set();

  constructor({ baseUrl = "", token, fetch, storage, concurrency = 3, tries = 8, stallTimeout = 60_000 }) {
    this.#base = String(baseUrl).replace(/\/+$/, "");
    this.#token = token;
    this.#fetch = fetch ?? ((...request) => globalThis.fetch(...request));
    this.store = storage ?? new Store();
    this.tries = tries;
    this.stallTimeout = stallTimeout;
    this.slots = new Slots(concurrency);
    this.hasher = new Hasher();
  }

  /** Ask the API; what may pass by itself is tried again, later each time. Every request may be. */
  async api(method, path, { body, key, signal, waiting } = {}) {
    for (let tries = 1, renewed = false; ; ) {
      try {
        return await this.#ask(method, path, body, key, signal);
      } catch (error) {
        if (signal?.aborted) throw aborted();
        if (error.code === "token_expired" && !renewed && typeof this.#token === "function") {
          this.#bearer = null;
          renewed = true;
          continue;
        }
        if (!passes(error) || tries >= this.tries) throw error;
        waiting?.(error);
        const wasOffline = await rest(Math.max(backoff(tries), seconds(error.retryAfter, 0)), signal);
        tries = wasOffline ? 1 : tries + 1;
      }
    }
  }

  async #ask(method, path, body, key, signal) {
    const headers = {};
    if (this.#token !== undefined) {
      this.#bearer ??= typeof this.#token === "function" ? Promise.resolve(this.#token()) : this.#token;
      try {
        headers.Authorization = `Bearer ${await this.#bearer}`;
      } catch (error) {
        this.#bearer = null; // the page could not say; the next request asks it again
        throw error;
      }
    }
    if (body !== undefined) headers["Content-Type"] = "application/json";
    if (key !== undefined) headers["Idempotency-Key"] = key;
    const stop = new AbortController();
    const stopped = () => stop.abort();
    const late = setTimeout(stopped, API_TIMEOUT);
    signal?.addEventListener("abort", stopped);
    if (signal?.aborted) stop.abort();
    try {
      const text = typeof body === "string" ? body : body && JSON.stringify(body);
      const answer = await this.#fetch(this.#base + path, { method, headers, body: text, signal: stop.signal });
      if (!answer.ok) throw await problemOf(answer);
      if (answer.status === 204) return null;
      const json = await answer.json();
      // Its times are the first answer's, and its form may have died since.
      if (answer.headers.get("Idempotency-Replayed") === "true") json.replayed = true;
      return json;
    } catch (error) {
      if (error instanceof BrokerError) throw error;
      throw new BrokerError("network", "No answer from the broker.", { cause: error });
    } finally {
      clearTimeout(late);
      signal?.removeEventListener("abort", stopped);
    }
  }

  /** Give the published limits, asked for once. */
  async profiles(signal) {
    this.#limits ??= this.api("GET", "/api/profiles/").catch((error) => {
      this.#limits = null;
      throw error;
    });
    return await unless(signal, this.#limits);
  }

  issueAll({ path, key, body }, { signal, waiting }) {
    return this.api("POST", path, { body, key, signal, waiting });
  }

  async issue(record, { signal, waiting }) {
    return await this.keepTicket(record, await this.issueAll(record.request, { signal, waiting }));
  }

  async keepTicket(record, answer) {
    const ticket = record.index === null ? answer : answer.tickets[record.index];
    record.uploadId = ticket.id;
    record.method = ticket.upload.method;
    await this.store.put(record);
    return answer.replayed ? null : withLife(ticket);
  }

  newRecord(owner, file, type) {
    return {
      key: uuid(), base: this.#base, owner, name: nameOf(file), size: file.size, type,
      lastModified: file.lastModified ?? null, digest: null, altText: "", order: 0,
      uploadId: null, method: null, sent: false, request: null, index: null, startedAt: Date.now(),
    };
  }

  /** Find records of this broker; those too old for the broker to know are forgotten. */
  async records(wanted) {
    const all = (await this.store.all()).filter((one) => one.base === this.#base);
    const old = all.filter((one) => Date.now() - one.startedAt > IDEMPOTENCY_LIFE);
    await Promise.all(old.map((one) => this.store.delete(one.key)));
    return all.filter((one) => !old.includes(one) && wanted(one));
  }

  /** Keep other tabs from the same upload; gives what ends that, or null where one is at it. */
  async hold(key) {
    if (!globalThis.navigator?.locks) {
      if (this.#held.has(key)) return null;
      this.#held.add(key);
      return () => this.#held.delete(key);
    }
    const got = deferred();
    navigator.locks.request(`upload-broker:${key}`, { ifAvailable: true }, (lock) => {
      if (!lock) return got.resolve(null);
      const ended = deferred();
      got.resolve(ended.resolve);
      return ended.promise;
    }).catch(got.reject);
    return await got.promise;
  }
}

/** At most `count` at a time, in the order they came. */
class Slots {
  #free; #queue = [];

  constructor(count) {
    this.#free = count;
  }

  async take(signal) {
    if (this.#free > 0) this.#free--;
    else {
      const turn = deferred();
      this.#queue.push(turn);
      await unless(signal, turn.promise).catch((error) => {
        this.#queue = this.#queue.filter((one) => one !== turn);
        if (turn.settled) this.#give(); // its turn came as it was aborted
        throw error;
      });
    }
    return () => this.#give();
  }

  #give() {
    const turn = this.#queue.shift();
    if (!turn) this.#free++;
    else {
      turn.settled = true;
      turn.resolve();
    }
  }
}

/** Digests from a worker; where a page cannot have one, in slices on its own thread. */
class Hasher {
  #worker = null; #jobs = new Map(); #last = 0; #without = typeof Worker === "undefined";
  #turn = Promise.resolve();

  /** Whole files wait for each other, so that the first is ready soon. */
  file(blob, onLoaded, signal) {
    const done = this.#turn.then(() => this.part(blob, signal, onLoaded));
    this.#turn = done.catch(() => {});
    return done;
  }

  async part(blob, signal, onLoaded = () => {}) {
    if (signal.aborted) throw aborted();
    const job = { blob, onLoaded, signal, ...deferred() };
    const id = ++this.#last;
    this.#jobs.set(id, job);
    const stop = () => {
      this.#worker?.postMessage({ id, stop: true });
      job.reject(aborted());
    };
    signal.addEventListener("abort", stop);
    try {
      this.#start(id, job);
      return await job.promise;
    } finally {
      this.#jobs.delete(id);
      signal.removeEventListener("abort", stop);
    }
  }

  #start(id, job) {
    if (!this.#without && !this.#worker) {
      try {
        this.#worker = new Worker(new URL("./sha256-worker.js", import.meta.url), { type: "module", name: WORKER_NAME });
        this.#worker.onmessage = ({ data }) => this.#heard(data);
        this.#worker.onerror = () => this.#goWithout();
      } catch {
        this.#without = true; // the module is another origin's
      }
    }
    if (this.#worker) this.#worker.postMessage({ id, blob: job.blob });
    else {
      sha256(job.blob, job.onLoaded, () => job.signal.aborted)
        .then(job.resolve, (error) => job.reject(unreadable(error)));
    }
  }

  #heard({ id, loaded, digest, error }) {
    const job = this.#jobs.get(id);
    if (!job) return;
    if (loaded !== undefined) job.onLoaded(loaded);
    else if (error !== undefined) job.reject(unreadable(error));
    else job.resolve(digest);
  }

  /** The page's Content-Security-Policy has no `worker-src`, say. */
  #goWithout() {
    this.#worker?.terminate();
    this.#worker = null;
    this.#without = true;
    for (const [id, job] of this.#jobs) this.#start(id, job);
  }
}

/** Records in IndexedDB; in memory where the browser has none for this page, as in private modes. */
class Store {
  #opened = null; #memory = new Map();

  put(record) { return this.#do("readwrite", (store) => store.put(record), () => this.#memory.set(record.key, record)); }
  delete(key) { return this.#do("readwrite", (store) => store.delete(key), () => this.#memory.delete(key)); }
  all() { return this.#do("readonly", (store) => store.getAll(), () => [...this.#memory.values()]); }

  async #do(mode, act, otherwise) {
    const database = await (this.#opened ??= this.#open().catch(() => null));
    if (!database) return otherwise();
    return await asked(act(database.transaction("uploads", mode).objectStore("uploads")));
  }

  async #open() {
    const opening = indexedDB.open("upload-broker", 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore("uploads", { keyPath: "key" });
    return await asked(opening);
  }
}

function asked(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

const METHODS = { post: "POST", put: "PUT", multipart: "MULTIPART" };
// Where the browser knows none: HEIC is unknown to most.
const TYPES = {
  jpg: "image/jpeg", jpeg: "image/jpeg", png: "image/png", webp: "image/webp", gif: "image/gif",
  avif: "image/avif", heic: "image/heic", heif: "image/heif",
};

function ownerOf({ ad, user } = {}) {
  if ((ad === undefined) === (user === undefined)) throw new TypeError("Name either `ad` or `user`.");
  return ad === undefined
    ? { path: `/api/users/${user}`, purpose: "avatar" }
    : { path: `/api/ads/${ad}`, purpose: "ad_image" };
}

function idsOf(path) {
  const id = Number(path.split("/").pop());
  return path.startsWith("/api/users/") ? { user: id } : { ad: id };
}

function contentTypeOf(file, named) {
  return named || file.type || TYPES[nameOf(file).split(".").pop().toLowerCase()] || "application/octet-stream";
}

/** Give a name that the API takes: no control characters, no marks that turn the writing. */
function nameOf(file) {
  return cleaned(file.name ?? "", /[\p{Cc}\p{Cs}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, 255) || "image";
}

function cleaned(text, refused, length) {
  return [...text.replace(refused, "")].slice(0, length).join("");
}

function declared({ name, type, size, digest, altText, order, owner, transport }) {
  const file = { file_name: name, content_type: type, size, checksum_sha256: digest };
  if (owner.startsWith("/api/ads/")) Object.assign(file, { alt_text: altText, order });
  return transport ? { ...file, transport } : file;
}

/** Until when by this machine's clock, whatever that says: only differences are the broker's. */
function untilOf(answer) {
  return Date.now() + Date.parse(answer.expires_at) - Date.parse(answer.server_time);
}

function withLife(ticket) {
  return { ...ticket, until: untilOf(ticket) };
}

function passes({ code, status }) {
  if (code === "storage_denied" || code.endsWith("_not_configured")) return false; // operators must act
  return code === "network" || code === "idempotency_in_flight" || status === 429 || status >= 500;
}

/** Make a BrokerError of a refusal; of a proxy's page, too, which is no problem+json. */
export async function problemOf(answer) {
  const body = await answer.json().catch(() => null);
  const after = answer.headers.get("Retry-After");
  const retryAfter = after === null ? null
    : /^\d+$/.test(after) ? Number(after) : Math.max(0, (Date.parse(after) - Date.now()) / 1000) || 0;
  return new BrokerError(body?.code ?? "http_error", body?.detail ?? `The answer was ${answer.status}.`, {
    status: answer.status, errors: body?.errors ?? null, retryAfter,
  });
}

/** Give S3's `Code` and `Message`, fit to be reported. */
export function s3ErrorOf({ status, text }) {
  const find = (name) => new RegExp(`<${name}>([\\s\\S]*?)</${name}>`).exec(text ?? "")?.[1] ?? "";
  const plain = (xml) => xml.replace(/&(lt|gt|quot|apos|amp);/g, (_, name) => ENTITIES[name]);
  const refused = /(?![\n\r\t])[\p{Cc}\p{Cs}]/gu;
  return {
    code: cleaned(plain(find("Code")), /[\p{Cc}\p{Cs}]/gu, 100) || `HTTP${status}`,
    message: cleaned(plain(find("Message")), refused, 1000),
  };
}
const ENTITIES = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };

/** Give the milliseconds to wait after the n-th try: doubling to half a minute, half of it chance. */
export function backoff(tries, random = Math.random) {
  const most = Math.min(30_000, 500 * 2 ** (tries - 1));
  return most / 2 + random() * most / 2;
}

function seconds(retryAfter, otherwise) {
  return Math.min(retryAfter ?? otherwise, 60) * 1000;
}

/** Wait; for as long as the machine is offline, and no longer once it is back. Tells which. */
function rest(duration, signal) {
  const offline = globalThis.navigator?.onLine === false;
  return new Promise((resolve, reject) => {
    const end = (settle, value) => () => {
      clearTimeout(timer);
      globalThis.removeEventListener?.("online", online);
      signal?.removeEventListener("abort", stop);
      settle(value);
    };
    const online = end(resolve, true), over = end(resolve, false), stop = end(reject, aborted());
    const timer = offline ? undefined : setTimeout(over, duration);
    globalThis.addEventListener?.("online", online);
    signal?.addEventListener("abort", stop);
    if (signal?.aborted) stop();
  });
}

/** Build the body of a ticket: the form's fields first and the file last, or the bare bytes. */
export function bodyOf({ method, fields }, blob) {
  if (method !== "POST") return blob;
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  form.append("file", blob, "file");
  return form;
}

/** Send to S3; gives status and text, and status 0 where no answer came. */
function send(target, blob, { signal, onLoaded, stall }) {
  const { method = "PUT", url, headers = {} } = target;
  const body = bodyOf({ ...target, method }, blob);
  if (typeof XMLHttpRequest === "undefined") return sendByFetch({ method, url, headers, body, signal });
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    const stop = () => request.abort();
    let watch;
    const alive = () => {
      clearTimeout(watch);
      watch = setTimeout(stop, stall); // a connection that has died without a word
    };
    request.open(method, url);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.onprogress = ({ loaded, total }) => {
      alive();
      if (loaded) onLoaded(Math.round(blob.size * loaded / total)); // total has the form's fields, too
    };
    request.onloadend = () => {
      clearTimeout(watch);
      signal.removeEventListener("abort", stop);
      resolve({ status: request.status, text: request.responseText });
    };
    signal.addEventListener("abort", stop);
    alive();
    request.send(body);
    if (signal.aborted) stop();
  });
}

async function sendByFetch({ method, url, headers, body, signal }) {
  try {
    const answer = await fetch(url, { method, headers, body, signal });
    return { status: answer.status, text: await answer.text() };
  } catch {
    return { status: 0, text: "" };
  }
}

/** Tell a file that has gone from a network that has. */
async function readable(file) {
  await file.slice(0, 1).arrayBuffer().catch((error) => {
    throw unreadable(error);
  });
}

function unreadable(cause) {
  return new BrokerError("file_unreadable", "The file cannot be read; it may have been moved or changed.", { cause });
}

function mismatch() {
  return new BrokerError("file_mismatch", "This is another file than the one that was begun with.");
}

function aborted(cause) {
  return new BrokerError("aborted", "The upload was cancelled.", { cause });
}

function deferred() {
  const made = {};
  made.promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }));
  made.promise.catch(() => {}); // who waits for it hears of it; nobody has to
  return made;
}

/** Give the promise's outcome, unless the signal comes first. */
function unless(signal, promise) {
  if (!signal) return promise;
  return new Promise((resolve, reject) => {
    const stop = () => reject(aborted());
    signal.addEventListener("abort", stop);
    if (signal.aborted) stop();
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", stop));
  });
}

function uuid() {
  if (globalThis.crypto.randomUUID) return crypto.randomUUID();
  // Plain http has no randomUUID; version and variant as RFC 9562 wants them.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
