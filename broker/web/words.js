// What each problem code is called on this page: what happened, what to do, and whether trying again may help.
import { bytes } from "./measures.js";

const AGAIN = true;

// code: [what happened, what to do, may it be tried again?]
const WORDS = {
  // The file and its listing.
  validation_error: ["This cannot be taken as it is", "Look at what is marked, and change it."],
  image_limit_reached: ["No place left", "Delete a photo, or give up interrupted uploads, then try again.", AGAIN],
  quota_exceeded: ["You have uploaded a lot for now", "Wait for a while, or choose fewer or smaller photos, then try again.", AGAIN],
  object_mismatch: ["Something else arrived than was sent", "The photo was thrown away. Try again.", AGAIN],
  object_missing: ["The photo has not arrived", "Try again.", AGAIN],
  parts_missing: ["Part of the photo has not arrived", "Try again: only that part is sent.", AGAIN],
  not_multipart: ["This upload has no parts", "Try again.", AGAIN],
  upload_expired: ["The upload took too long", "Its place was given to others. Try again.", AGAIN],
  upload_cancelled: ["The upload was cancelled", "Try again if that was a mistake.", AGAIN],
  upload_settled: ["The photo is recorded already", "Reload the page to see it."],
  image_deleted: ["The photo was deleted", "It was recorded and then deleted, perhaps in another tab. Try again to add it anew.", AGAIN],
  avatar_not_confirmed: ["The profile photo has not arrived", "Try again.", AGAIN],
  rate_limited: ["Too much was asked for at once", "Wait a minute, then try again.", AGAIN],
  idempotency_key_reused: ["Two uploads were mixed up", "Try again.", AGAIN],
  idempotency_in_flight: ["The same upload is just being prepared", "Wait a moment, then try again.", AGAIN],
  // Who is asking.
  token_missing: ["You are not signed in", "Sign in, then try again.", AGAIN],
  token_invalid: ["Your sign-in is not valid here", "Sign in again, then try again.", AGAIN],
  token_expired: ["Your sign-in has ended", "Sign in again, then try again.", AGAIN],
  forbidden: ["This is not yours", "Only its owner can change it."],
  not_found: ["It is no longer there", "It may have been deleted in another tab. Reload the page."],
  // The broker and the bucket.
  storage_unavailable: ["The photo store does not answer", "Nothing is lost. Try again in a minute.", AGAIN],
  storage_denied: ["The photo store refuses the broker", "Whoever runs it must mend that; nothing is lost.", AGAIN],
  keys_unavailable: ["Nobody can tell just now who you are", "You are still signed in. Try again in a minute.", AGAIN],
  database_unavailable: ["The broker's database does not answer", "Nothing is lost. Try again in a minute.", AGAIN],
  draining: ["The broker is being restarted", "Try again in a minute.", AGAIN],
  internal_error: ["The broker made a mistake", "It has been written down. Try again.", AGAIN],
  // What this page should never meet; a fault of its own, or of something in between.
  malformed_json: ["The request was garbled on its way", "Reload the page, and try again.", AGAIN],
  bad_request: ["The request could not be read", "Reload the page, and try again.", AGAIN],
  invalid_idempotency_key: ["The request was garbled on its way", "Reload the page, and try again.", AGAIN],
  method_not_allowed: ["This page is older than the broker", "Reload the page."],
  body_too_large: ["Too much at once", "Choose fewer photos at a time.", AGAIN],
  unsupported_media_type: ["The request could not be read", "Reload the page, and try again.", AGAIN],
  events_secret_invalid: ["The bucket's messages are refused", "Whoever runs the broker must mend that."],
  events_not_configured: ["The bucket's messages are not set up", "Whoever runs the broker must mend that."],
  invalid_event: ["A message of the bucket could not be read", "Whoever runs the broker must mend that."],
  uppy_not_configured: ["Uppy is not set up", "Whoever runs the broker must mend that."],
  capability_invalid: ["The upload link is not valid", "Reload the page, and try again.", AGAIN],
  capability_expired: ["The upload link has ended", "Reload the page, and try again.", AGAIN],
  capability_revoked: ["The upload link was taken back", "Reload the page, and try again.", AGAIN],
  capability_exhausted: ["The upload link is used up", "Reload the page, and try again.", AGAIN],
  // The browser client's own: docs/browser.md.
  aborted: ["Cancelled", "Nothing was kept."],
  busy: ["Under way in another tab", "Let it finish there."],
  file_mismatch: ["This is another photo", "Choose the one that was begun with."],
  file_unreadable: ["The file cannot be read", "It was moved or changed. Choose it again."],
  gave_up: ["The photo store keeps failing", "What has arrived is kept. Try again later.", AGAIN],
  http_error: ["Something between you and the broker answered instead", "Check your connection, then try again.", AGAIN],
  network: ["No connection", "What has arrived is kept. Try again when you are online.", AGAIN],
  s3_refused: ["The photo store refused the photo", "Its place is free again. Try again.", AGAIN],
};

export const CODES = Object.keys(WORDS);

/** Give what to tell the user of an error: `{ what, why, again }`. */
export function wordsOf(error, profile) {
  const [what, why, again = false] = WORDS[error.code]
    ?? ["Something went wrong", error.detail || "Try again.", AGAIN];
  if (error.code === "validation_error") return { what: whatIsWrong(error, profile) ?? what, why: whatToDo(error, profile) ?? why, again };
  return { what, why, again };
}

function whatIsWrong({ errors }, profile) {
  if (errors?.content_type && profile) return "Not a photo of a kind that can be shown";
  if (errors?.size && profile) return "The file is too large, or empty";
  if (errors?.price) return "The price is not an amount";
  if (errors?.title) return "The title is not right";
  return null;
}

function whatToDo({ errors }, profile) {
  if (errors?.content_type && profile) return `Choose a file of type ${kinds(profile)}.`;
  if (errors?.size && profile) return `It may have up to ${bytes(profile.max_bytes)}.`;
  if (errors?.price) return "Write it as 12 or 12.50.";
  const [first] = Object.values(errors ?? {}).flat();
  return typeof first === "string" ? first : null;
}

const NAMES = { jpeg: "JPEG", png: "PNG", webp: "WebP", gif: "GIF", avif: "AVIF", heic: "HEIC", heif: "HEIF" };

/** Name a profile's types as people do: `JPEG, PNG or WebP`. */
export function kinds({ content_types: types }) {
  const names = types.map((type) => NAMES[type.split("/")[1]] ?? type);
  return `${names.slice(0, -1).join(", ")} or ${names.at(-1)}`;
}
