// What is kept of an upload until it ends, so that a page that is opened again can go on.
import { deferred } from "./waiting.js";

export const METHODS = { post: "POST", put: "PUT", multipart: "MULTIPART" };
// Where the browser knows none: HEIC is unknown to most.
const TYPES = {
  jpg: "image/jpeg", jpeg: "image/jpeg", png: "image/png", webp: "image/webp", gif: "image/gif",
  avif: "image/avif", heic: "image/heic", heif: "image/heif",
};

/** Records in IndexedDB; in memory where the browser has none for this page, as in private modes. */
export class Store {
  #opened = null; #memory = new Map();

  put(record) { return this.#do("readwrite", (store) => store.put(record), () => this.#memory.set(record.key, record)); }
  delete(key) { return this.#do("readwrite", (store) => store.delete(key), () => this.#memory.delete(key)); }
  all() { return this.#do("readonly", (store) => store.getAll(), () => [...this.#memory.values()]); }

  async #do(mode, act, otherwise) {
    const database = await (this.#opened ??= this.#open().catch(() => null));
    if (!database) return otherwise();
    return await asked(act(database.transaction("uploads", mode).objectStore("uploads")));
  }

  async #open() {
    const opening = indexedDB.open("upload-broker", 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore("uploads", { keyPath: "key" });
    return await asked(opening);
  }
}

function asked(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** One lock a record, so that no two uploads of this browser go on with the same one. */
export class Locks {
  #held = new Set();

  /** Keep other tabs from the same upload; gives what ends that, or null where one is at it. */
  async take(key) {
    if (!globalThis.navigator?.locks) {
      if (this.#held.has(key)) return null;
      this.#held.add(key);
      return () => this.#held.delete(key);
    }
    const got = deferred();
    navigator.locks.request(`upload-broker:${key}`, { ifAvailable: true }, (lock) => {
      if (!lock) return got.resolve(null);
      const ended = deferred();
      got.resolve(ended.resolve);
      return ended.promise;
    }).catch(got.reject);
    return await got.promise;
  }

  /** Give what tells whether this or another tab has a record. */
  async taken() {
    if (!globalThis.navigator?.locks) return (key) => this.#held.has(key);
    const { held } = await navigator.locks.query();
    const names = new Set(held.map((lock) => lock.name));
    return (key) => names.has(`upload-broker:${key}`);
  }
}

export function ownerOf({ ad, user } = {}) {
  if ((ad === undefined) === (user === undefined)) throw new TypeError("Name either `ad` or `user`.");
  return ad === undefined
    ? { path: `/api/users/${user}`, purpose: "avatar" }
    : { path: `/api/ads/${ad}`, purpose: "ad_image" };
}

export function idsOf(path) {
  const id = Number(path.split("/").pop());
  return path.startsWith("/api/users/") ? { user: id } : { ad: id };
}

export function contentTypeOf(file, named) {
  return named || file.type || TYPES[nameOf(file).split(".").pop().toLowerCase()] || "application/octet-stream";
}

/** Give a name that the API takes: no control characters, no marks that turn the writing. */
export function nameOf(file) {
  return cleaned(file.name ?? "", /[\p{Cc}\p{Cs}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, 255) || "image";
}

export function cleaned(text, refused, length) {
  return [...text.replace(refused, "")].slice(0, length).join("");
}

export function declared({ name, type, size, digest, altText, order, owner, transport }) {
  const file = { file_name: name, content_type: type, size, checksum_sha256: digest };
  if (owner.startsWith("/api/ads/")) Object.assign(file, { alt_text: altText, order });
  return transport ? { ...file, transport } : file;
}

export function uuid() {
  if (globalThis.crypto.randomUUID) return crypto.randomUUID();
  // Plain http has no randomUUID; version and variant as RFC 9562 wants them.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
