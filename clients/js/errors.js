// The errors that the client throws.

/** An error with a stable `code`: the API's own, or one of this client's (docs/browser.md). */
export class BrokerError extends Error {
  constructor(code, detail, { status = 0, errors = null, retryAfter = null, s3Code = null, reason = null, cause } = {}) {
    super(detail, { cause });
    Object.assign(this, { name: "BrokerError", code, status, detail, errors, retryAfter, s3Code, reason });
  }
}

/** `upload_rejected`: the broker inspected the file and will not publish it. `reason` says why. */
export class UploadRejected extends BrokerError {}

/** `still_processing`: the file has arrived, and the broker has not finished with it in time. */
export class StillProcessing extends BrokerError {}

/** Return the seconds of `Retry-After`, or null. */
export function retryAfterOf({ headers }) {
  const after = headers.get("Retry-After");
  if (after === null) return null;
  const now = Date.parse(headers.get("Date")) || Date.now(); // this machine's clock may be wrong by hours
  return /^\d+$/.test(after) ? Number(after) : Math.max(0, (Date.parse(after) - now) / 1000) || 0;
}

/** Read an error answer as a BrokerError. A proxy's page, which has no code, becomes `http_error`. */
export async function problemOf(answer) {
  const body = await answer.json().catch(() => null);
  const retryAfter = retryAfterOf(answer);
  const { status } = answer;
  // A gateway's JSON may have a `code` too, for example a number.
  if (typeof body?.code !== "string") return new BrokerError("http_error", `The server answered ${status}.`, { status, retryAfter });
  const kind = body.code === "upload_rejected" ? UploadRejected : BrokerError;
  const more = { status, errors: body.errors ?? null, retryAfter, reason: body.reason ?? null };
  return new kind(body.code, body.detail ?? body.code, more);
}

/** Return the API's error for an upload that the broker has rejected. */
export function rejected(reason) {
  return new UploadRejected("upload_rejected", `The file was rejected: ${reason}.`, { status: 422, reason });
}

export function stillProcessing() {
  return new StillProcessing("still_processing", "The file has arrived and is safe. It is still being processed.");
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
