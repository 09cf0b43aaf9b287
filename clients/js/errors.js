// The errors that the client throws.

/** An error with a stable `code`: the API's own, or one of this client's (docs/browser.md). */
export class BrokerError extends Error {
  constructor(code, detail, { status = 0, errors = null, retryAfter = null, s3Code = null, cause } = {}) {
    super(detail, { cause });
    Object.assign(this, { name: "BrokerError", code, status, detail, errors, retryAfter, s3Code });
  }
}

/** Read an error answer as a BrokerError. A proxy's page, which has no code, becomes `http_error`. */
export async function problemOf(answer) {
  const body = await answer.json().catch(() => null);
  const after = answer.headers.get("Retry-After");
  const now = Date.parse(answer.headers.get("Date")) || Date.now(); // this machine's clock may be wrong by hours
  const retryAfter = after === null ? null
    : /^\d+$/.test(after) ? Number(after) : Math.max(0, (Date.parse(after) - now) / 1000) || 0;
  const { status } = answer;
  // A gateway's JSON may have a `code` too, for example a number.
  if (typeof body?.code !== "string") return new BrokerError("http_error", `The server answered ${status}.`, { status, retryAfter });
  return new BrokerError(body.code, body.detail ?? body.code, { status, errors: body.errors ?? null, retryAfter });
}

export function unreadable(cause) {
  return new BrokerError("file_unreadable", "The file cannot be read. It may have been moved or changed since it was chosen. Choose it again.", { cause });
}

export function mismatch() {
  return new BrokerError("file_mismatch", "This is not the file that the upload was started with.");
}

export function aborted(cause) {
  return new BrokerError("aborted", "The upload was cancelled.", { cause });
}
