// What can go wrong, as the page is told.

/** An outcome that the page is told about; decide by `code`: the API's own, or one of ours. */
export class BrokerError extends Error {
  constructor(code, detail, { status = 0, errors = null, retryAfter = null, s3Code = null, cause } = {}) {
    super(detail, { cause });
    Object.assign(this, { name: "BrokerError", code, status, detail, errors, retryAfter, s3Code });
  }
}

/** Make a BrokerError of a refusal; of a proxy's page, too, which is no problem+json. */
export async function problemOf(answer) {
  const body = await answer.json().catch(() => null);
  const after = answer.headers.get("Retry-After");
  const now = Date.parse(answer.headers.get("Date")) || Date.now(); // this machine's clock may be wrong by hours
  const retryAfter = after === null ? null
    : /^\d+$/.test(after) ? Number(after) : Math.max(0, (Date.parse(after) - now) / 1000) || 0;
  const { status } = answer;
  // A gateway's JSON may have a `code`, too: a number, say.
  if (typeof body?.code !== "string") return new BrokerError("http_error", `The answer was ${status}.`, { status, retryAfter });
  return new BrokerError(body.code, body.detail ?? body.code, { status, errors: body.errors ?? null, retryAfter });
}

// What an upload may outlive although the status is 4xx; a proxy's refusal says nothing of it.
const PASSING = ["gave_up", "http_error", "rate_limited", "idempotency_in_flight", "object_missing", "parts_missing"];

/** Whether nobody can go on with an upload after this. */
export function isFinal({ code, status }) {
  return code === "s3_refused" || (status >= 400 && status < 500 && status !== 401 && !PASSING.includes(code));
}

export function unreadable(cause) {
  return new BrokerError("file_unreadable", "The file cannot be read; it may have been moved or changed.", { cause });
}

export function mismatch() {
  return new BrokerError("file_mismatch", "This is another file than the one that was begun with.");
}

export function aborted(cause) {
  return new BrokerError("aborted", "The upload was cancelled.", { cause });
}
