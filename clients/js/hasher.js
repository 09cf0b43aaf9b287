// SHA-256 digests of files and parts, computed in a worker.
import { aborted, unreadable } from "./errors.js";
import { WORKER_NAME, sha256 } from "./sha256-worker.js";
import { deferred, unless } from "./waiting.js";

/** Computes digests in a worker. If the page cannot start a worker, it hashes slices on the page's own thread. */
export class Hasher {
  #worker = null; #jobs = new Map(); #last = 0; #without = typeof Worker === "undefined";
  #turn = Promise.resolve();

  /**
   * Return the digest of a whole file. `read` returns its bytes as a Blob. Files are read and hashed one
   * after the other, so that the first one is ready soon.
   */
  file(read, onLoaded, signal) {
    this.#open(); // the worker loads while the file is read
    const done = this.#turn.then(async () => this.part(signal.aborted ? null : await read(), signal, onLoaded));
    this.#turn = done.catch(() => {});
    return unless(signal, done); // an abort also ends the wait for this file's turn
  }

  /** Return the digest of a Blob. */
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

  #open() {
    if (this.#without || this.#worker) return;
    try {
      this.#worker = new Worker(new URL("./sha256-worker.js", import.meta.url), { type: "module", name: WORKER_NAME });
      this.#worker.onmessage = ({ data }) => this.#receive(data);
      this.#worker.onerror = () => this.#goWithout();
    } catch {
      this.#without = true; // the browser refuses a worker from another origin
    }
  }

  #start(id, job) {
    this.#open();
    if (this.#worker) this.#worker.postMessage({ id, blob: job.blob });
    else {
      sha256(job.blob, job.onLoaded, () => job.signal.aborted)
        .then(job.resolve, (error) => job.reject(unreadable(error)));
    }
  }

  #receive({ id, loaded, digest, error }) {
    const job = this.#jobs.get(id);
    if (!job) return;
    if (loaded !== undefined) job.onLoaded(loaded);
    else if (error !== undefined) job.reject(unreadable(error));
    else job.resolve(digest);
  }

  /** Hash on the page's thread, for example because its Content-Security-Policy forbids workers. */
  #goWithout() {
    this.#worker?.terminate();
    this.#worker = null;
    this.#without = true;
    for (const [id, job] of this.#jobs) this.#start(id, job);
  }
}
