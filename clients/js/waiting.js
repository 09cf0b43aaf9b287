// Waits for a time, for the network or for a free slot. An abort signal ends every wait.
import { aborted } from "./errors.js";

/**
 * Wait for `duration` milliseconds. If the machine is offline, wait until it is online instead.
 * Returns whether the wait ended because the machine came back online.
 */
export function rest(duration, signal) {
  const offline = globalThis.navigator?.onLine === false;
  return new Promise((resolve, reject) => {
    const end = (finish, value) => () => {
      clearTimeout(timer);
      globalThis.removeEventListener?.("online", online);
      signal?.removeEventListener("abort", stop);
      finish(value);
    };
    const online = end(resolve, true), over = end(resolve, false), stop = end(reject, aborted());
    const timer = offline ? undefined : setTimeout(over, duration);
    globalThis.addEventListener?.("online", online);
    signal?.addEventListener("abort", stop);
    if (signal?.aborted) stop();
  });
}

/** Return a promise together with its `resolve` and `reject`. */
export function deferred() {
  const made = {};
  made.promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }));
  made.promise.catch(() => {}); // a rejection that nobody awaits is not an error
  return made;
}

/** Return the promise's outcome, or reject as soon as the signal is aborted. */
export function unless(signal, promise) {
  if (!signal) return promise;
  return new Promise((resolve, reject) => {
    const stop = () => reject(aborted());
    signal.addEventListener("abort", stop);
    if (signal.aborted) stop();
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", stop));
  });
}

/** A semaphore: at most `count` holders at a time, first come, first served. */
export class Slots {
  #free; #queue = [];

  constructor(count) {
    this.#free = count;
  }

  /** Wait for a slot, and hold it until `act` has ended. */
  async hold(signal, act) {
    await this.#take(signal);
    try {
      return await act();
    } finally {
      this.#release();
    }
  }

  async #take(signal) {
    if (this.#free > 0) this.#free--;
    else {
      const turn = deferred();
      this.#queue.push(turn);
      await unless(signal, turn.promise).catch((error) => {
        this.#queue = this.#queue.filter((one) => one !== turn);
        if (turn.granted) this.#release(); // the slot was granted at the same moment as the abort
        throw error;
      });
    }
  }

  #release() {
    const turn = this.#queue.shift();
    if (!turn) this.#free++;
    else {
      turn.granted = true;
      turn.resolve();
    }
  }
}
