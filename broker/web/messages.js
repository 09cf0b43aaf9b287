// The message for each problem code: what happened, what to do, and whether to offer "Try again".
import { bytes } from "./format.js";
import { typeNames } from "./type-names.js";

const AGAIN = true;

// code: [what happened, what to do, offer "Try again"?]
const MESSAGES = {
  // The file and its listing.
  validation_error: ["Something isn't filled in correctly", "Correct the marked fields."],
  image_limit_reached: ["This listing is full", "Delete a photo or discard interrupted uploads, then try again.", AGAIN],
  quota_exceeded: ["You've reached your upload limit", "Wait a while, or choose fewer or smaller photos, then try again.", AGAIN],
  object_mismatch: ["The photo was damaged during the upload", "It was not saved. Please try again.", AGAIN],
  upload_rejected: ["This photo can't be used", "Choose another photo."],
  object_missing: ["The photo didn't arrive", "Please try again.", AGAIN],
  parts_missing: ["Part of the photo didn't arrive", "Try again. Only the missing part is sent.", AGAIN],
  not_multipart: ["This upload cannot be sent in parts", "Please try again.", AGAIN],
  upload_expired: ["The upload took too long", "Please try again.", AGAIN],
  upload_cancelled: ["The upload was cancelled", "If you didn't mean to cancel it, try again.", AGAIN],
  upload_settled: ["The photo has already arrived", "Reload the page to see it."],
  image_deleted: ["The photo was deleted", "It was saved and then deleted, perhaps in another tab. Try again to add it.", AGAIN],
  avatar_not_confirmed: ["The profile photo didn't arrive", "Please try again.", AGAIN],
  rate_limited: ["Too many requests", "Wait a minute, then try again.", AGAIN],
  idempotency_key_reused: ["Two uploads got mixed up", "Please try again.", AGAIN],
  idempotency_in_flight: ["This upload is already being prepared", "Wait a moment, then try again.", AGAIN],
  // Signing in and permissions.
  token_missing: ["You're not signed in", "Sign in, then try again.", AGAIN],
  token_invalid: ["Your sign-in isn't valid", "Sign in again, then try again.", AGAIN],
  token_expired: ["Your session has expired", "Sign in again, then try again.", AGAIN],
  forbidden: ["You don't have permission", "Only the owner can change this."],
  not_found: ["This no longer exists", "It may have been deleted in another tab. Reload the page."],
  ad_owned_by_another: ["This listing belongs to someone else", "Nothing was changed."],
  user_erased: ["This account was deleted", "Nothing was changed."],
  // The broker and the bucket.
  storage_unavailable: ["File storage is unavailable", "Nothing is lost. Try again in a minute.", AGAIN],
  storage_denied: ["File storage refused access", "Nothing is lost. The site's administrator must fix this.", AGAIN],
  keys_unavailable: ["Your sign-in can't be checked right now", "You're still signed in. Try again in a minute.", AGAIN],
  database_unavailable: ["The database is unavailable", "Nothing is lost. Try again in a minute.", AGAIN],
  database_not_migrated: ["The database is being upgraded", "Nothing is lost. Try again in a minute.", AGAIN],
  draining: ["The server is restarting", "Try again in a minute.", AGAIN],
  internal_error: ["Something went wrong on our side", "We've logged it. Please try again.", AGAIN],
  // Errors that this page should not cause: a bug in the page, or a proxy's fault.
  malformed_json: ["The request was damaged on the way", "Reload the page and try again.", AGAIN],
  bad_request: ["The request isn't valid", "Reload the page and try again.", AGAIN],
  invalid_idempotency_key: ["The request was damaged on the way", "Reload the page and try again.", AGAIN],
  method_not_allowed: ["This page is out of date", "Reload the page."],
  body_too_large: ["Too many photos at once", "Choose fewer photos at a time.", AGAIN],
  unsupported_media_type: ["The request isn't valid", "Reload the page and try again.", AGAIN],
  events_secret_invalid: ["A bucket notification was refused", "The site's administrator must fix this."],
  events_not_configured: ["Bucket notifications aren't set up", "The site's administrator must fix this."],
  invalid_event: ["A bucket notification isn't valid", "The site's administrator must fix this."],
  uppy_not_configured: ["Uppy uploads aren't set up", "The site's administrator must fix this."],
  cursor_expired: ["The position in the events is too old", "The site's administrator must read all files again."],
  capability_invalid: ["The upload link isn't valid", "Reload the page and try again.", AGAIN],
  capability_expired: ["The upload link has expired", "Reload the page and try again.", AGAIN],
  capability_revoked: ["The upload link was revoked", "Reload the page and try again.", AGAIN],
  capability_exhausted: ["The upload link has reached its limit", "Reload the page and try again.", AGAIN],
  // The browser client's own codes: docs/browser.md.
  aborted: ["Cancelled", "Nothing was saved."],
  busy: ["Already uploading in another tab", "Wait until it's finished there."],
  file_mismatch: ["This is a different photo", "Choose the photo that the upload was started with."],
  token_failed: ["You couldn't be signed in", "Sign in again, then try again.", AGAIN],
  file_unreadable: ["The file can't be read", "It may have been moved or changed. Choose it again to continue the upload."],
  gave_up: ["File storage isn't responding", "What has been uploaded so far is kept. Try again later.", AGAIN],
  http_error: ["Unexpected answer from the server", "Check your connection, then try again.", AGAIN],
  network: ["No connection", "What has been uploaded so far is kept. Try again when you're online.", AGAIN],
  still_processing: ["Still processing the photo", "It has arrived and is safe. Reload the page later to see it."],
  s3_refused: ["File storage refused the photo", "Please try again.", AGAIN],
};

export const CODES = Object.keys(MESSAGES);

// Why the worker rejected a file: [what happened, what to do, offer "Try again"?]. `docs/errors.md` lists the reasons.
const REJECTIONS = {
  not_an_image: ["This file isn't an image", "Choose a photo."],
  type_mismatch: ["The file isn't what its name says", "Save it again as a JPEG, then choose the new file."],
  too_many_pixels: ["The photo has too many pixels", "Choose a smaller version of it."],
  too_many_frames: ["The animation is too long", "Choose a shorter one, or a photo."],
  corrupt: ["The photo is damaged", "Open it on your device to check it, or choose another one."],
  checksum_mismatch: ["The photo changed during the upload", "It was not saved. Choose it again.", AGAIN],
  processing_failed: ["We couldn't process this photo", "Save it again as a JPEG, then choose the new file."],
};

/** Return the message for an error: `{ what, why, again }`. */
export function messageOf(error, profile) {
  const rejection = error.code === "upload_rejected" ? REJECTIONS[error.reason] : null;
  const [what, why, again = false] = rejection ?? MESSAGES[error.code]
    ?? ["Something went wrong", error.detail || "Please try again.", AGAIN];
  const say = profile?.visibility === "private" ? ofDocuments : (text) => text;
  return { what: say(whatIsWrong(error, profile) ?? what), why: say(whatToDo(error, profile) ?? why), again };
}

/** The texts are about photos. Return one for a private profile, which has documents of any type. */
function ofDocuments(text) {
  return text.replaceAll("photo", "document");
}

function whatIsWrong({ code, errors }, profile) {
  if (code === "image_limit_reached" && profile?.owners === "token") return "There is no room for more photos";
  if (code !== "validation_error") return null;
  if (errors?.content_type && profile) return "This file type isn't supported";
  if (errors?.size && profile) return "The file is too large or empty";
  if (errors?.price) return "The price isn't valid";
  if (errors?.title) return "The title isn't valid";
  return null;
}

function whatToDo({ code, errors }, profile) {
  if (code === "forbidden" && profile?.owners === "token") return "Your token doesn't allow this.";
  if (code !== "validation_error") return null;
  if (errors?.content_type && profile) return `Choose a ${typeNames(profile)} file.`;
  if (errors?.size && profile) return `The maximum size is ${bytes(profile.max_bytes)}.`;
  if (errors?.price) return "Enter it as 12 or 12.50.";
  const [first] = Object.values(errors ?? {}).flat();
  return typeof first === "string" ? first : null;
}
