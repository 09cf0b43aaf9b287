// Waiting: for a while, for the network, for a turn, and never longer than a signal allows.
import { aborted } from "./errors.js";

/** Give the milliseconds to wait after the n-th try: doubling to half a minute, half of it chance. */
export function backoff(tries, random = Math.random) {
  const most = Math.min(30_000, 500 * 2 ** (tries - 1));
  return most / 2 + random() * most / 2;
}

/** The longest that a server may ask one to wait, in seconds. */
export const PATIENCE = 60;

export function seconds(retryAfter, otherwise) {
  return Math.min(retryAfter ?? otherwise, PATIENCE) * 1000;
}

/** Wait; for as long as the machine is offline, and no longer once it is back. Tells which. */
export function rest(duration, signal) {
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

export function deferred() {
  const made = {};
  made.promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }));
  made.promise.catch(() => {}); // who waits for it hears of it; nobody has to
  return made;
}

/** Give the promise's outcome, unless the signal comes first. */
export function unless(signal, promise) {
  if (!signal) return promise;
  return new Promise((resolve, reject) => {
    const stop = () => reject(aborted());
    signal.addEventListener("abort", stop);
    if (signal.aborted) stop();
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", stop));
  });
}


/** At most `count` at a time, in the order they came. */
export class Slots {
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
