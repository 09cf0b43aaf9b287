// Who is at which record.
import { deferred } from "./waiting.js";

/** One lock a record, so that no two uploads of this browser go on with the same one; none is waited for. */
export class Locks {
  #held = new Set(); // by this page

  /** Keep others from a record; gives what ends that, or null where one is at it. */
  async take(key) {
    if (this.#held.has(key)) return null;
    this.#held.add(key);
    const free = await fromOtherTabs(key);
    if (!free) this.#held.delete(key);
    return free && (() => {
      this.#held.delete(key);
      free();
    });
  }

  /** Give what tells whether this or another tab has a record. */
  async taken() {
    const state = await globalThis.navigator?.locks?.query().catch(() => null);
    const names = new Set(state?.held.map((lock) => lock.name));
    return (key) => this.#held.has(key) || names.has(nameOf(key));
  }
}

/** What all brokers of this page share. */
export const locks = new Locks();

const nameOf = (key) => `upload-broker:${key}`;

function fromOtherTabs(key) {
  const alone = () => {};
  if (!globalThis.navigator?.locks) return alone; // plain http
  const got = deferred();
  navigator.locks.request(nameOf(key), { ifAvailable: true }, (lock) => {
    if (!lock) return got.resolve(null);
    const ended = deferred();
    got.resolve(ended.resolve);
    return ended.promise;
  }).catch(() => got.resolve(alone)); // a browser that keeps nothing for this page, locks neither
  return got.promise;
}
