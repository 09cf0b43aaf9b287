// The progress of one upload, and the events that the page gets.

const FINAL_PHASES = ["done", "failed", "cancelled"];
const INTERVAL_MS = 100; // WebKit reports a photo's progress in thousands of events

export const isFinal = (phase) => FINAL_PHASES.includes(phase);

/** The phase and bytes of an upload. The page gets every phase; within a phase, at most ten events a second and the last one. */
export class Progress {
  phase = "queued"; loaded = 0;
  #total; #forward; #forwarded = {}; #timer;

  constructor(total, forward) {
    this.#total = total;
    this.#forward = forward;
  }

  get hasEnded() { return isFinal(this.phase); }

  set(phase, loaded = this.loaded, error = null) {
    [this.phase, this.loaded] = [phase, loaded];
    const last = this.#forwarded;
    if (error || phase !== last.phase) return this.#send(error);
    if (loaded === last.loaded) return;
    const wait = loaded === this.#total ? 0 : last.at + INTERVAL_MS - performance.now();
    if (wait <= 0) this.#send();
    else this.#timer ??= setTimeout(() => this.#send(), wait); // the next event may be far away
  }

  #send(error = null) {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const { phase, loaded } = this;
    this.#forwarded = { phase, loaded, at: performance.now() };
    try {
      this.#forward({ phase, loaded, total: this.#total, error });
    } catch (fault) {
      globalThis.reportError?.(fault); // an error in the page's callback does not stop the upload
    }
  }
}
