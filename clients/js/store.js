// Storage for upload records. No upload fails because the browser cannot store its record.

const ANSWER_TIMEOUT_MS = 5_000; // in Safari, IndexedDB sometimes did not answer at all
const SKIP_AFTER_TIMEOUT_MS = 60_000; // an upload uses the storage five times and must not wait for a timeout each time

/** Records in IndexedDB. After any failure the next call opens the database again. */
export class Database {
  losses = 0; // the number of lost connections; their records may be lost, too
  #opened = null; #timedOutAt = -Infinity;

  put(record) { return this.#do("readwrite", (store) => store.put(record)); }
  delete(key) { return this.#do("readwrite", (store) => store.delete(key)); }
  all() { return this.#do("readonly", (store) => store.getAll()); }

  async #do(mode, act) {
    if (performance.now() - this.#timedOutAt < SKIP_AFTER_TIMEOUT_MS) throw new NoAnswer();
    const opened = (this.#opened ??= this.#connect());
    try {
      const transaction = (await opened).transaction("uploads", mode);
      const request = act(transaction.objectStore("uploads"));
      await inTime((resolve, reject) => {
        // Wait for the commit, not for the request's success: a full disk may be reported only at
        // the commit.
        transaction.oncomplete = resolve;
        transaction.onabort = () => reject(transaction.error ?? request.error);
      });
      return request.result;
    } catch (error) {
      if (error instanceof NoAnswer) this.#timedOutAt = performance.now();
      this.#lose(opened);
      throw error;
    }
  }

  #connect() {
    const opened = open();
    opened.then((database) => {
      // The browser closed or cleared the database, or another page waits to delete it.
      database.onclose = database.onversionchange = () => this.#lose(opened);
    }, () => {});
    return opened;
  }

  #lose(opened) {
    if (this.#opened !== opened) return; // another call noticed the lost connection first
    this.#opened = null;
    this.losses++;
    opened.then((database) => database.close(), () => {});
  }
}

class NoAnswer extends Error {
  message = "IndexedDB does not answer.";
}

async function open() {
  const opening = indexedDB.open("upload-broker", 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore("uploads", { keyPath: "key" });
  return await inTime((resolve, reject) => {
    opening.onsuccess = () => resolve(opening.result);
    opening.onerror = () => reject(opening.error);
  }).catch((error) => {
    opening.onsuccess = () => opening.result.close(); // the database opened after the timeout
    throw error;
  });
}

function inTime(listen) {
  let timer;
  return new Promise((resolve, reject) => {
    timer = setTimeout(() => reject(new NoAnswer()), ANSWER_TIMEOUT_MS);
    listen(resolve, reject);
  }).finally(() => clearTimeout(timer));
}

/** A storage, and a copy in memory of the records that the storage did not accept or may have lost. */
export class Store {
  #storage;
  #own = new Map(); // by key: the record (null if it is deleted), and the value of `losses` when it was written

  constructor(storage = new Database()) {
    this.#storage = storage;
  }

  put(record) { return this.#write(record.key, { ...record }, (storage) => storage.put(record)); }
  delete(key) { return this.#write(key, null, (storage) => storage.delete(key)); }

  async all() {
    const found = await this.#tryTwice((storage) => storage.all());
    const records = new Map(found?.value.map((record) => [record.key, record]));
    for (const [key, { record, losses }] of this.#own) {
      // If the storage has lost nothing since then, use its record: another tab may have changed
      // it.
      if (found && losses === this.#storage.losses) continue;
      if (record) records.set(key, { ...record });
      else records.delete(key);
    }
    return [...records.values()];
  }

  async #write(key, record, act) {
    const own = { record, losses: null };
    this.#own.set(key, own);
    const written = await this.#tryTwice(act);
    if (!written) return;
    own.losses = this.#storage.losses;
    if (!record && this.#own.get(key) === own) this.#own.delete(key);
  }

  /** Try twice: the first try may find that the connection was lost. Returns null if both fail. */
  async #tryTwice(act) {
    for (let tries = 1; ; tries++) {
      try {
        return { value: await act(this.#storage) };
      } catch {
        if (tries === 2) return null;
      }
    }
  }
}

/** The default store of all Brokers on this page. */
export const store = new Store();
