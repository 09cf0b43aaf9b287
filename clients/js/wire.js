// Shared by all uploads of one Broker: requests to the API, stored records, the hasher, send slots.
import { Copies } from "./copies.js";
import { BrokerError, aborted, problemOf, retryAfterOf } from "./errors.js";
import { Hasher } from "./hasher.js";
import { locks } from "./locks.js";
import { ownerAt, pathIn } from "./owners.js";
import { Processing } from "./processing.js";
import { declared, nameOf, uuid } from "./records.js";
import { Store, store } from "./store.js";
import { DEFAULT_TRIES, RetryPolicy } from "./retry-policy.js";
import { Tokens } from "./tokens.js";
import { Slots, rest, unless } from "./waiting.js";

const CONNECTIONS = 6; // to one host, as many as browsers open. If packets are lost, each carries little
const API_TIMEOUT_MS = 30_000;
const PROCESSING_TIMEOUT_MS = 600_000;
const IDEMPOTENCY_LIFE_MS = 24 * 3600_000; // the broker keeps an Idempotency-Key for this time

/** The shared state of one Broker's uploads. */
export class Wire {
  #base; #fetch; #limits = null; #waiting = new Set();

  constructor({
    baseUrl = "", token, fetch, storage, concurrency = CONNECTIONS, tries = DEFAULT_TRIES, stallTimeout = 60_000,
    processingTimeout = PROCESSING_TIMEOUT_MS,
  }) {
    if (!(concurrency >= 1)) throw new RangeError("`concurrency` must be 1 or more.");
    this.#base = String(baseUrl).replace(/\/+$/, "");
    this.tokens = new Tokens(token);
    this.#fetch = fetch ?? ((...request) => globalThis.fetch(...request));
    this.store = storage ? new Store(storage) : store;
    this.retries = new RetryPolicy({ tries });
    this.stallTimeout = stallTimeout;
    this.processing = new Processing(this, processingTimeout);
    this.concurrency = concurrency;
    this.slots = new Slots(concurrency);
    this.confirms = new Slots(CONNECTIONS); // a request that waits for the browser's connection may time out
    this.hasher = new Hasher();
    this.copies = new Copies();
    this.locks = locks;
  }

  /**
   * Send a request to the API, and retry it by the rules of `request`. Every request may be repeated.
   *
   * `owner` is the path of the owner that the request is about, unless `path` begins with it. After any
   * 401 the page is asked once for another token. A second 401 in a row is final.
   * `paced` is called with the seconds of a success's `Retry-After`, or null.
   */
  async api(method, path, { body, key, owner = pathIn(path), signal, waiting, paced } = {}) {
    for (let tries = 1, refusal = null; ; ) {
      const bearer = this.tokens.of(owner);
      let token;
      try {
        token = await unless(signal, bearer); // the user may have to sign in first
        if (refusal?.token === token) throw refusal.error; // the page has no other token
        return await this.#ask(method, path, { body, key, signal, token, paced });
      } catch (error) {
        if (signal?.aborted) throw aborted();
        if (!(error instanceof BrokerError)) throw error; // for example a path that is not valid
        const { action, waitMs, exhausted } = this.retries.decide("request", error, { tries });
        if (action === "sign_in" && token !== undefined && this.tokens.refuse(owner, bearer, token) && !refusal) {
          refusal = { token, error };
          continue;
        }
        if (action !== "retry" || exhausted) throw error;
        refusal = null; // the token was accepted or not checked
        waiting?.(error);
        const wasOffline = await rest(waitMs, signal);
        tries = wasOffline ? 1 : tries + 1;
      }
    }
  }

  async #ask(method, path, { body, key, signal, token, paced }) {
    const headers = {};
    if (token !== null) headers.Authorization = `Bearer ${token}`;
    if (body !== undefined) headers["Content-Type"] = "application/json";
    if (key !== undefined) headers["Idempotency-Key"] = key;
    const stop = new AbortController();
    const stopped = () => stop.abort();
    const timer = setTimeout(stopped, API_TIMEOUT_MS);
    signal?.addEventListener("abort", stopped);
    if (signal?.aborted) stop.abort();
    try {
      const text = typeof body === "string" ? body : body && JSON.stringify(body);
      const answer = await this.#fetch(this.#base + path, { method, headers, body: text, signal: stop.signal });
      if (!answer.ok) throw await problemOf(answer);
      if (answer.status === 204) return null;
      const json = await answer.json();
      paced?.(retryAfterOf(answer));
      // This is the first answer, repeated. Its form may have expired.
      if (answer.headers.get("Idempotency-Replayed") === "true") json.replayed = true;
      return json;
    } catch (error) {
      if (error instanceof BrokerError) throw error;
      throw new BrokerError("network", "The broker did not answer.", { cause: error });
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", stopped);
    }
  }

  /** Return the published limits, which are requested once. `waiting` is called for each failed try. */
  async profiles(owner, signal, waiting) {
    const notify = (error) => this.#waiting.forEach((one) => one(error));
    const asked = (this.#limits ??= {
      owner,
      answer: this.api("GET", "/api/profiles/", { owner, waiting: notify }).catch((error) => {
        this.#limits = null;
        throw error;
      }),
    });
    this.#waiting.add(waiting);
    try {
      return await unless(signal, asked.answer);
    } catch (error) {
      const isOfToken = error.status === 401 || error.code === "token_failed";
      if (!isOfToken || asked.owner === owner) throw error;
    } finally {
      this.#waiting.delete(waiting);
    }
    return await this.profiles(owner, signal, waiting); // the token of another owner was the problem
  }

  issueAll({ path, key, body }, { signal, waiting }) {
    return this.api("POST", path, { body, key, signal, waiting });
  }

  async issue(record, { signal, waiting }) {
    return await this.keepTicket(record, await this.issueAll(record.request, { signal, waiting }));
  }

  /** Ask for one file's ticket. The request is stored before it is sent, so that it can be repeated. */
  async issueAlone(record, asked) {
    record.request = { path: ownerAt(record.owner).ticket, key: uuid(), body: JSON.stringify(declared(record)) };
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

  /** Return this broker's stored records, and delete those that the broker no longer knows. */
  async records(wanted) {
    const all = (await this.store.all()).filter((one) => one.base === this.#base);
    const old = all.filter((one) => Date.now() - one.startedAt > IDEMPOTENCY_LIFE_MS);
    await Promise.all(old.map((one) => this.store.delete(one.key)));
    return all.filter((one) => !old.includes(one) && wanted(one));
  }
}

/** Return the time, by this machine's clock, when an answer expires. The broker's clock may differ. */
export function untilOf(answer) {
  return Date.now() + Date.parse(answer.expires_at) - Date.parse(answer.server_time);
}

/** Return a ticket together with when it expires. */
export function withLife(ticket) {
  return { ...ticket, until: untilOf(ticket) };
}
