// Digests of files and parts, off the page's thread.
import { aborted, unreadable } from "./errors.js";
import { WORKER_NAME, sha256 } from "./sha256-worker.js";
import { deferred, unless } from "./waiting.js";

/** Digests from a worker; where a page cannot have one, in slices on its own thread. */
export class Hasher {
  #worker = null; #jobs = new Map(); #last = 0; #without = typeof Worker === "undefined";
  #turn = Promise.resolve();

  /** Whole files wait for each other, so that the first is ready soon. */
  file(blob, onLoaded, signal) {
    const done = this.#turn.then(() => this.part(blob, signal, onLoaded));
    this.#turn = done.catch(() => {});
    return unless(signal, done); // also before its turn
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
