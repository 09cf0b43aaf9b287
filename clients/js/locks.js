// Locks on stored records.
import { deferred } from "./waiting.js";

/** One lock for each record: two uploads in this browser never use the same record. No caller waits for a lock. */
export class Locks {
  #held = new Set(); // keys that this page has locked

  /** Lock a record. Returns a function that unlocks it, or null if the record is locked already. */
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

  /** Return a function that checks whether this or another tab has locked a record. */
  async taken() {
    const state = await globalThis.navigator?.locks?.query().catch(() => null);
    const names = new Set(state?.held.map((lock) => lock.name));
    return (key) => this.#held.has(key) || names.has(nameOf(key));
  }
}

/** The locks of all Brokers on this page. */
export const locks = new Locks();

const nameOf = (key) => `upload-broker:${key}`;

function fromOtherTabs(key) {
  const nothing = () => {};
  if (!globalThis.navigator?.locks) return nothing; // the browser has no lock manager for a page on plain http
  const got = deferred();
  navigator.locks.request(nameOf(key), { ifAvailable: true }, (lock) => {
    if (!lock) return got.resolve(null);
    const ended = deferred();
    got.resolve(ended.resolve);
    return ended.promise;
  }).catch(() => got.resolve(nothing)); // if the browser blocks storage for this page, it blocks locks, too
  return got.promise;
}
