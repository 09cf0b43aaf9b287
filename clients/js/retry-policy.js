/**
 * The retry rules: what to do after an answer, and how long to wait first. No other module decides
 * this, and this module sends nothing.
 *
 * tests/retry_cases.json has one row for each case. To add a rule, add it to RULES and add a row.
 */

export const DEFAULT_TRIES = 8;
/** The longest `Retry-After` that the client waits for. */
export const MAX_RETRY_AFTER_SECONDS = 60;
/** Renew a form this long before it expires, so that it does not expire on its way to S3. */
export const RENEW_EARLY_MS = 5_000;

const FIRST_BACKOFF_MS = 500;
const MAX_BACKOFF_MS = 30_000;
const FIRST_POLL_MS = 1_000;
const MAX_POLL_MS = 4_000;
const MAX_ASSEMBLY_CHECKS = 60; // S3 may need minutes to complete an upload of thousands of parts
const MAX_RESTARTS = 2;
const RESEND_AFTER_CONFIRMS = 3;

// Codes of 4xx answers after which the same upload can still succeed. `http_error` comes from a
// proxy, which knows nothing about the upload.
const TEMPORARY = ["gave_up", "http_error", "rate_limited", "idempotency_in_flight", "object_missing", "parts_missing"];
// With these codes an upload from an earlier page visit no longer exists.
const GONE = ["not_found", "forbidden", "upload_cancelled", "object_mismatch", "image_deleted"];
// S3 does not know the multipart upload. NoSuchKey is Ceph's and OpenStack Swift's code for it.
const NO_UPLOAD = ["NoSuchUpload", "NoSuchKey"];
const SAYS_EXPIRED = /expired|expiration date is in the past|date is too old/i;

/** Return the milliseconds to wait after the given try. The time doubles with each try; half of it is random. */
export function backoff(tries, random = Math.random) {
  const longest = Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** (tries - 1));
  return longest / 2 + random() * longest / 2;
}

/** Return the milliseconds to wait before a poll, after so many polls in which nothing has changed. */
export function pollDelay(polls, retryAfter, random = Math.random) {
  const longest = Math.min(MAX_POLL_MS, FIRST_POLL_MS * 1.5 ** polls);
  return Math.max(longest / 2 + random() * longest / 2, retryAfterMs(retryAfter, 0));
}

function retryAfterMs(seconds, otherwise) {
  return Math.min(seconds ?? otherwise, MAX_RETRY_AFTER_SECONDS) * 1000;
}

// Functions that compute the wait from the answer, the number of tries and the random source.
const byBackoff = (_, tries, random) => backoff(tries, random);
const byNextBackoff = (_, tries, random) => backoff(tries + 1, random);
const byRetryAfterOr = (seconds) => ({ retryAfter }) => retryAfterMs(retryAfter, seconds);
const byBackoffOrRetryAfter = ({ retryAfter }, tries, random) =>
  Math.max(backoff(tries, random), retryAfterMs(retryAfter, 0));

const is = (...codes) => ({ code }) => codes.includes(code);
const S3 = ["send", "part"];

/**
 * The rules. The first rule that fits the phase and the answer decides.
 *
 * Phases:
 * - `send`, `part`: S3 answered a whole file, or one part.
 * - `advice`: the broker answered the report of a failure.
 * - `request`: the broker, or something in between, answered any request to the API.
 * - `batch`: the request for several tickets failed.
 * - `confirm`, `parts`, `complete`: that request failed, also after the retries of `request`.
 * - `poll`: asking for the uploads that are being processed failed, also after the retries of `request`.
 * - `transfer`: sending or confirming failed.
 * - `end`: the upload failed; what happens to its stored record.
 *
 * An answer of the phases `send` and `part` has `fromProxy`: whether something in between gave it.
 *
 * `counter` names the count that `limit` applies to, by default `tries`.
 */
export const RULES = [
  // A captive portal or a proxy answered. That says nothing about the upload, whatever the status.
  { phases: S3, when: ({ fromProxy }) => fromProxy, action: "retry", wait: byBackoff },
  { phases: S3, when: ({ status }) => status >= 200 && status < 300, action: "confirm" },
  // S3 writes an object once: an earlier PUT has arrived, and its answer was lost.
  { phases: S3, when: ({ status }) => status === 412, action: "confirm" },
  // The server lacks what the request needs: R2 and B2 take no forms. The broker advises to give up.
  { phases: S3, when: is("NotImplemented"), action: "report" },
  { phases: S3, when: ({ status }) => status === 0 || status >= 500, action: "retry", wait: byBackoff },
  // The connection was dead for so long that S3 (400 RequestTimeout) or a proxy (408) closed it.
  // These are not reported, because the broker gives up an upload after a few reports, and a phone
  // on a train loses its connection often.
  { phases: S3, when: ({ status, code }) => status === 408 || status === 429 || code === "RequestTimeout", action: "retry", wait: byBackoff },
  { phases: ["part"], when: is(...NO_UPLOAD), action: "next_round" },
  // Only the message says that it expired. The code is AccessDenied, as for a wrong signature, or
  // InvalidRequest on Garage.
  {
    phases: S3, when: ({ status, code, message }) => (status === 403 || code === "InvalidRequest") && SAYS_EXPIRED.test(message),
    action: "renew", counter: "renewals",
  },
  { phases: S3, action: "report" },

  { phases: ["advice"], when: is("confirm"), action: "confirm" },
  { phases: ["advice"], when: is("retry"), action: "retry", wait: byNextBackoff },
  { phases: ["advice"], when: is("renew"), action: "renew", counter: "renewals" },

  { phases: ["request"], when: ({ status }) => status === 401, action: "sign_in" },
  // An operator must act first.
  { phases: ["request"], when: ({ code }) => code === "storage_denied" || code.endsWith("_not_configured"), action: "give_up" },
  // Wait for a rate limit, but report a long one to the page.
  { phases: ["request"], when: ({ status, retryAfter }) => status === 429 && (retryAfter ?? 0) > MAX_RETRY_AFTER_SECONDS, action: "give_up" },
  // Not the broker's answer, but as a captive portal or a proxy refuses or redirects a request.
  {
    phases: ["request"], when: ({ status, code }) => code === "http_error" && (status < 400 || [403, 407].includes(status)),
    action: "retry", wait: byBackoffOrRetryAfter,
  },
  {
    phases: ["request"],
    when: ({ status, code }) => ["network", "idempotency_in_flight"].includes(code) || [408, 429].includes(status) || status >= 500,
    action: "retry", wait: byBackoffOrRetryAfter,
  },

  // The ad has too few free slots, or one file is not valid: no ticket was issued.
  { phases: ["batch"], when: is("image_limit_reached", "validation_error"), action: "one_by_one" },

  // The file was sent, but the bucket does not show it: send it once more.
  { phases: ["confirm"], when: (answer, tries) => answer.code === "object_missing" && tries === RESEND_AFTER_CONFIRMS, action: "send_again" },
  { phases: ["confirm"], when: is("object_missing"), action: "retry", wait: byRetryAfterOr(1) },

  // The image is recorded: `complete` returns it.
  { phases: ["parts", "complete"], when: is("upload_settled"), action: "confirm" },
  // S3 is still completing the upload.
  { phases: ["parts", "complete"], when: is("object_missing"), action: "retry", counter: "checks", limit: MAX_ASSEMBLY_CHECKS, wait: byRetryAfterOr(2) },
  { phases: ["parts", "complete"], when: ({ code, s3Code }) => code === "parts_missing" || NO_UPLOAD.includes(s3Code), action: "next_round", wait: byNextBackoff },

  // A release before 0.4 does not have this path.
  { phases: ["poll"], when: is("not_found", "method_not_allowed"), action: "one_by_one" },
  { phases: ["poll"], when: ({ status, retryAfter }) => status === 429 && (retryAfter ?? 0) > MAX_RETRY_AFTER_SECONDS, action: "give_up" },
  // The file is safe, so go on until `processingTimeout`, however often the network fails.
  {
    phases: ["poll"], when: ({ status, code }) => ["network", "http_error"].includes(code) || [408, 429].includes(status) || status >= 500,
    action: "retry", limit: Infinity, wait: byBackoffOrRetryAfter,
  },

  // The image is recorded: an earlier answer was lost, or a bucket notification was faster.
  { phases: ["transfer"], when: is("upload_settled"), action: "confirm" },

  { phases: ["end"], when: is("upload_expired", "idempotency_key_reused"), action: "restart", limit: MAX_RESTARTS, otherwise: "forget" },
  { phases: ["end"], when: ({ code, resumed }) => resumed && GONE.includes(code), action: "restart", limit: MAX_RESTARTS, otherwise: "forget" },
  { phases: ["end"], when: is("s3_refused"), action: "forget" },
  { phases: ["end"], when: ({ code, status }) => status >= 400 && status < 500 && status !== 401 && !TEMPORARY.includes(code), action: "forget" },
  { phases: ["end"], action: "keep" },
];

/** The rules together with one broker's number of tries. */
export class RetryPolicy {
  #tries; #random;

  constructor({ tries = DEFAULT_TRIES, random = Math.random } = {}) {
    this.#tries = tries;
    this.#random = random;
  }

  /** Return the first rule that fits, or undefined. */
  ruleOf(phase, answer, tries = 1) {
    return RULES.find((one) => one.phases.includes(phase) && (!one.when || one.when(answer, tries)));
  }

  /**
   * Decide what to do after an answer or a BrokerError.
   *
   * `counts` has the numbers so far: `tries` (from 1), `renewals` (from 0) and `checks` (from 1).
   *
   * Returns `{ action, waitMs, exhausted }`. Actions: `retry` the same request, `renew` the form,
   * `confirm` the bytes that have arrived, `report` the failure to the broker, `give_up`, `sign_in` (get a new
   * token), `next_round` (ask which parts are missing), `send_again`, `one_by_one` (a request for
   * each ticket or upload), and at the end `restart` (with a new ticket), `forget` or `keep` the record.
   * If `exhausted` is true, the limit of this action is reached: give up instead.
   */
  decide(phase, answer, counts = {}) {
    const tries = counts.tries ?? 1;
    const rule = this.ruleOf(phase, answer, tries);
    if (!rule) return { action: "give_up", waitMs: 0, exhausted: false };
    const used = counts[rule.counter ?? "tries"] ?? 0;
    const exhausted = ["retry", "renew", "next_round", "send_again", "restart"].includes(rule.action)
      && used >= (rule.limit ?? this.#tries);
    if (exhausted && rule.otherwise) return { action: rule.otherwise, waitMs: 0, exhausted: false };
    return { action: rule.action, waitMs: rule.wait?.(answer, tries, this.#random) ?? 0, exhausted };
  }
}
