// Where records are kept. No upload fails because a browser cannot keep them.

const PATIENCE = 5_000; // milliseconds; Safari was seen not to answer at all
const SILENCE = 60_000; // how long it is not asked again then: an upload asks five times

/** Records in IndexedDB. After any failure the next call opens it anew. */
export class Database {
  losses = 0; // connections that ended, perhaps with what they had written
  #opened = null; #silentSince = -Infinity;

  put(record) { return this.#do("readwrite", (store) => store.put(record)); }
  delete(key) { return this.#do("readwrite", (store) => store.delete(key)); }
  all() { return this.#do("readonly", (store) => store.getAll()); }

  async #do(mode, act) {
    if (performance.now() - this.#silentSince < SILENCE) throw new Silent();
    const opened = (this.#opened ??= this.#connect());
    try {
      const transaction = (await opened).transaction("uploads", mode);
      const request = act(transaction.objectStore("uploads"));
      await inTime((resolve, reject) => {
        // Not the request's own success: a full disk may be noticed as late as at the commit.
        transaction.oncomplete = resolve;
        transaction.onabort = () => reject(transaction.error ?? request.error);
      });
      return request.result;
    } catch (error) {
      if (error instanceof Silent) this.#silentSince = performance.now();
      this.#lose(opened);
      throw error;
    }
  }

  #connect() {
    const opened = open();
    opened.then((database) => {
      // The browser has cleared or closed it, or somebody deletes it and waits for us.
      database.onclose = database.onversionchange = () => this.#lose(opened);
    }, () => {});
    return opened;
  }

  #lose(opened) {
    if (this.#opened !== opened) return; // another call has noticed it
    this.#opened = null;
    this.losses++;
    opened.then((database) => database.close(), () => {});
  }
}

class Silent extends Error {
  message = "IndexedDB does not answer.";
}

async function open() {
  const opening = indexedDB.open("upload-broker", 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore("uploads", { keyPath: "key" });
  return await inTime((resolve, reject) => {
    opening.onsuccess = () => resolve(opening.result);
    opening.onerror = () => reject(opening.error);
  }).catch((error) => {
    opening.onsuccess = () => opening.result.close(); // too late
    throw error;
  });
}

function inTime(listen) {
  let late;
  return new Promise((resolve, reject) => {
    late = setTimeout(() => reject(new Silent()), PATIENCE);
    listen(resolve, reject);
  }).finally(() => clearTimeout(late));
}

/** A storage, and over it what this page has written and the storage has not, or may have lost. */
export class Store {
  #storage;
  #own = new Map(); // by key: the record, null once deleted, and the connection that has it

  constructor(storage = new Database()) {
    this.#storage = storage;
  }

  put(record) { return this.#write(record.key, { ...record }, (storage) => storage.put(record)); }
  delete(key) { return this.#write(key, null, (storage) => storage.delete(key)); }

  async all() {
    const found = await this.#tried((storage) => storage.all());
    const records = new Map(found?.value.map((record) => [record.key, record]));
    for (const [key, { record, losses }] of this.#own) {
      // Where the storage has kept all, it knows better: another tab may have gone on.
      if (found && losses === this.#storage.losses) continue;
      if (record) records.set(key, { ...record });
      else records.delete(key);
    }
    return [...records.values()];
  }

  async #write(key, record, act) {
    const own = { record, losses: null };
    this.#own.set(key, own);
    const written = await this.#tried(act);
    if (!written) return;
    own.losses = this.#storage.losses;
    if (!record && this.#own.get(key) === own) this.#own.delete(key);
  }

  /** Try twice: the first may have met a connection that was lost long ago. */
  async #tried(act) {
    for (let tries = 1; ; tries++) {
      try {
        return { value: await act(this.#storage) };
      } catch {
        if (tries === 2) return null;
      }
    }
  }
}

/** What all brokers of this page share. */
export const store = new Store();
