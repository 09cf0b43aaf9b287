// Uploads that the broker is processing. One request asks for all of them.
import { BrokerError, rejected, stillProcessing } from "./errors.js";
import { pollDelay } from "./retry-policy.js";
import { deferred, rest, unless } from "./waiting.js";

const MAX_IDS = 50; // the API's own limit
const MAX_TIMER_MS = 2 ** 31 - 1; // browsers run a longer timer at once

/** The uploads of one Broker that are being processed. It polls as long as a caller waits for one of them. */
export class Processing {
  #wire; #timeout;
  #uploads = new Map(); // by id: a deferred answer and its `watchers`
  #polls = 0; // since the last upload was added
  #retryAfter = null; // of the broker's last answer
  #running = false; #pause = null; #request = null;

  constructor(wire, timeout) {
    this.#wire = wire;
    this.#timeout = timeout;
  }

  /**
   * Return the image of an upload as soon as it is ready.
   *
   * `owner` is the path of the upload's owner, or null. `waiting` is called for each failed request and
   * `working` for each answer. `retryAfter` is from the answer that said that the upload is being
   * processed. Throws UploadRejected, StillProcessing after the timeout, or the API's error if the
   * upload has ended in another way.
   */
  async image(id, { owner, signal, waiting, working, retryAfter = null }) {
    const late = deferred();
    const timer = this.#timeout > MAX_TIMER_MS ? undefined : setTimeout(() => late.reject(stillProcessing()), this.#timeout);
    const within = (promise) => unless(signal, Promise.race([promise, late.promise]));
    const paced = (seconds) => { retryAfter = seconds; };
    try {
      for (;;) {
        const upload = await this.#settled(id, { owner, waiting, working }, retryAfter, within);
        if (upload?.state === "rejected" && upload.reason) throw rejected(upload.reason);
        if (upload?.image) return upload.image;
        // Not in the answer: the image before release 0.4, and why the upload has ended without one.
        const answer = await within(this.#wire.api("POST", `/api/uploads/${id}/confirm/`, { owner, signal, waiting, paced }));
        if (answer.state !== "processing") return answer;
      }
    } finally {
      clearTimeout(timer);
    }
  }

  /** Return the upload when it is no longer being processed, or null if the broker does not know it. */
  async #settled(id, watcher, retryAfter, within) {
    const upload = this.#uploads.get(id) ?? { ...deferred(), owner: watcher.owner, watchers: new Set() };
    upload.watchers.add(watcher);
    this.#add(id, upload, retryAfter);
    try {
      return await within(upload.promise);
    } finally {
      upload.watchers.delete(watcher);
      if (!upload.watchers.size) this.#remove(id, upload);
    }
  }

  #add(id, upload, retryAfter) {
    this.#uploads.set(id, upload);
    this.#retryAfter = retryAfter ?? this.#retryAfter;
    if (this.#polls) { // poll often again
      this.#polls = 0;
      this.#pause?.abort();
    }
    if (!this.#running) this.#run();
  }

  #remove(id, upload) {
    if (this.#uploads.get(id) === upload) this.#uploads.delete(id);
    if (this.#uploads.size) return;
    this.#pause?.abort();
    this.#request?.abort();
  }

  async #run() {
    this.#running = true;
    let failures = 0, delay = null, oneByOne = false;
    while (this.#uploads.size) {
      if (!(await this.#rest(delay ?? pollDelay(this.#polls, this.#retryAfter)))) continue;
      this.#polls++;
      delay = null;
      for (const { owner, ids } of this.#groups()) {
        if (delay !== null) break;
        const some = ids.filter((id) => this.#uploads.has(id));
        if (!some.length) continue;
        this.#request = new AbortController();
        try {
          const found = oneByOne ? await this.#askEach(some, owner) : await this.#askAll(some, owner);
          failures = 0;
          this.#tell(some, found);
        } catch (error) {
          if (this.#request.signal.aborted) continue;
          const { action, waitMs } = this.#wire.retries.decide("poll", error, { tries: ++failures });
          if (action === "one_by_one" && !oneByOne) [oneByOne, delay] = [true, 0];
          else if (action === "retry") delay = waitMs;
          else for (const id of some) this.#end(id, (upload) => upload.reject(error));
        }
      }
    }
    this.#running = false;
    this.#polls = 0;
    this.#retryAfter = null;
  }

  /** Wait for some milliseconds. Returns false if the wait was interrupted. */
  async #rest(duration) {
    this.#pause = new AbortController();
    return await rest(duration, this.#pause.signal).then(() => true, () => false);
  }

  /** Return the ids that one request may ask for: at most MAX_IDS, and with one token. */
  #groups() {
    const groups = new Map();
    for (const [id, { owner }] of this.#uploads) {
      const group = this.#wire.tokens.groupOf(owner);
      if (!groups.has(group)) groups.set(group, { owner, ids: [] });
      groups.get(group).ids.push(id);
    }
    return [...groups.values()].flatMap(({ owner, ids }) => Array.from({ length: Math.ceil(ids.length / MAX_IDS) }, (_, page) =>
      ({ owner, ids: ids.slice(page * MAX_IDS, (page + 1) * MAX_IDS) })));
  }

  #asked(ids, owner) {
    return {
      owner, signal: this.#request.signal,
      waiting: (error) => ids.forEach((id) => this.#uploads.get(id)?.watchers.forEach((one) => one.waiting?.(error))),
      paced: (seconds) => { this.#retryAfter = seconds; },
    };
  }

  async #askAll(ids, owner) {
    const answer = await this.#wire.api("GET", `/api/uploads/?ids=${ids.join(",")}`, this.#asked(ids, owner));
    if (!Array.isArray(answer?.uploads)) throw new BrokerError("http_error", "This is not the broker's answer.");
    return answer.uploads;
  }

  async #askEach(ids, owner) {
    const found = [];
    for (const id of ids) {
      const upload = await this.#wire.api("GET", `/api/uploads/${id}/`, this.#asked(ids, owner)).catch((error) => {
        if (error.code !== "not_found") throw error;
      });
      if (upload) found.push(upload);
    }
    return found;
  }

  #tell(ids, found) {
    const uploads = new Map(found.map((one) => [one.id, one]));
    for (const id of ids) {
      const upload = uploads.get(id) ?? null;
      if (upload?.state === "processing") this.#uploads.get(id)?.watchers.forEach((one) => one.working?.());
      else this.#end(id, (one) => one.resolve(upload));
    }
  }

  #end(id, settle) {
    const upload = this.#uploads.get(id);
    this.#uploads.delete(id);
    if (upload) settle(upload);
  }
}
