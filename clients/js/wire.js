// What all uploads of one broker share: the API, the records, the hasher, the places to send.
import { BrokerError, aborted, problemOf } from "./errors.js";
import { Hasher } from "./hasher.js";
import { locks } from "./locks.js";
import { declared, nameOf, uuid } from "./records.js";
import { Store, store } from "./store.js";
import { PATIENCE, Slots, backoff, rest, seconds, unless } from "./waiting.js";

const API_TIMEOUT = 30_000; // milliseconds, as all times here
const IDEMPOTENCY_LIFE = 24 * 3600_000; // what the broker keeps an Idempotency-Key for

export class Wire {
  #base; #token; #bearer = null; #refused; #fetch; #limits = null; #waiting = new Set();

  constructor({ baseUrl = "", token, fetch, storage, concurrency = 3, tries = 8, stallTimeout = 60_000 }) {
    if (!(concurrency >= 1)) throw new RangeError("`concurrency` must be 1 or more."); // none would ever be sent
    this.#base = String(baseUrl).replace(/\/+$/, "");
    this.#token = token;
    this.#fetch = fetch ?? ((...request) => globalThis.fetch(...request));
    this.store = storage ? new Store(storage) : store;
    this.tries = tries;
    this.stallTimeout = stallTimeout;
    this.slots = new Slots(concurrency);
    this.hasher = new Hasher();
    this.locks = locks;
  }

  /** Ask the API; what may pass by itself is tried again, later each time. Every request may be. */
  async api(method, path, { body, key, signal, waiting } = {}) {
    for (let tries = 1, renewed = false; ; ) {
      const bearer = (this.#bearer ??= this.#askForToken());
      let token = null;
      try {
        token = await unless(signal, bearer); // it may take a user who signs in
        return await this.#ask(method, path, { body, key, signal, token });
      } catch (error) {
        if (signal?.aborted) throw aborted();
        if (error.status === 401 && token !== null && typeof this.#token === "function") {
          if (this.#bearer === bearer) [this.#bearer, this.#refused] = [null, token]; // else another request has
          if (!renewed) {
            renewed = true;
            continue;
          }
        }
        if (!passes(error) || tries >= this.tries) throw error;
        waiting?.(error);
        const wasOffline = await rest(Math.max(backoff(tries), seconds(error.retryAfter, 0)), signal);
        tries = wasOffline ? 1 : tries + 1;
      }
    }
  }

  #askForToken() {
    const refused = this.#refused === undefined ? {} : { refused: this.#refused };
    const asked = (async () => (typeof this.#token === "function" ? await this.#token(refused) : this.#token ?? null))();
    asked.catch(() => {
      this.#bearer = null; // the page could not say; the next request asks it again
    });
    return asked;
  }

  async #ask(method, path, { body, key, signal, token }) {
    const headers = {};
    if (token !== null) headers.Authorization = `Bearer ${token}`;
    if (body !== undefined) headers["Content-Type"] = "application/json";
    if (key !== undefined) headers["Idempotency-Key"] = key;
    const stop = new AbortController();
    const stopped = () => stop.abort();
    const late = setTimeout(stopped, API_TIMEOUT);
    signal?.addEventListener("abort", stopped);
    if (signal?.aborted) stop.abort();
    try {
      const text = typeof body === "string" ? body : body && JSON.stringify(body);
      const answer = await this.#fetch(this.#base + path, { method, headers, body: text, signal: stop.signal });
      if (!answer.ok) throw await problemOf(answer);
      if (answer.status === 204) return null;
      const json = await answer.json();
      // Its times are the first answer's, and its form may have died since.
      if (answer.headers.get("Idempotency-Replayed") === "true") json.replayed = true;
      return json;
    } catch (error) {
      if (error instanceof BrokerError) throw error;
      throw new BrokerError("network", "No answer from the broker.", { cause: error });
    } finally {
      clearTimeout(late);
      signal?.removeEventListener("abort", stopped);
    }
  }

  /** Give the published limits, asked for once; `waiting` hears of its failures, too. */
  async profiles(signal, waiting) {
    const tell = (error) => this.#waiting.forEach((one) => one(error));
    this.#limits ??= this.api("GET", "/api/profiles/", { waiting: tell }).catch((error) => {
      this.#limits = null;
      throw error;
    });
    this.#waiting.add(waiting);
    try {
      return await unless(signal, this.#limits);
    } finally {
      this.#waiting.delete(waiting);
    }
  }

  issueAll({ path, key, body }, { signal, waiting }) {
    return this.api("POST", path, { body, key, signal, waiting });
  }

  async issue(record, { signal, waiting }) {
    return await this.keepTicket(record, await this.issueAll(record.request, { signal, waiting }));
  }

  /** Ask for a ticket for one file; the request is kept before it is sent, to be repeated as it was. */
  async issueAlone(record, asked) {
    const kind = record.owner.startsWith("/api/users/") ? "upload_avatar" : "upload_image";
    record.request = { path: `${record.owner}/${kind}/`, key: uuid(), body: JSON.stringify(declared(record)) };
    record.index = null;
    await this.store.put(record);
    return await this.issue(record, asked);
  }

  async keepTicket(record, answer) {
    const ticket = record.index === null ? answer : answer.tickets[record.index];
    record.uploadId = ticket.id;
    record.method = ticket.upload.method;
    await this.store.put(record);
    return answer.replayed ? null : withLife(ticket);
  }

  newRecord(owner, file, type) {
    return {
      key: uuid(), base: this.#base, owner, name: nameOf(file), size: file.size, type,
      lastModified: file.lastModified ?? null, digest: null, altText: "", order: 0,
      uploadId: null, method: null, sent: false, request: null, index: null, startedAt: Date.now(),
    };
  }

  /** Find records of this broker; those too old for the broker to know are forgotten. */
  async records(wanted) {
    const all = (await this.store.all()).filter((one) => one.base === this.#base);
    const old = all.filter((one) => Date.now() - one.startedAt > IDEMPOTENCY_LIFE);
    await Promise.all(old.map((one) => this.store.delete(one.key)));
    return all.filter((one) => !old.includes(one) && wanted(one));
  }
}

/** Until when by this machine's clock, whatever that says: only differences are the broker's. */
export function untilOf(answer) {
  return Date.now() + Date.parse(answer.expires_at) - Date.parse(answer.server_time);
}

export function withLife(ticket) {
  return { ...ticket, until: untilOf(ticket) };
}

function passes(error) {
  if (!(error instanceof BrokerError)) return false; // such as what the page's `token` threw
  const { code, status } = error;
  if (code === "storage_denied" || code.endsWith("_not_configured")) return false; // operators must act
  if (status === 429) return (error.retryAfter ?? 0) <= PATIENCE; // a limit is kept, not probed
  return code === "network" || code === "idempotency_in_flight" || status === 408 || status >= 500;
}
