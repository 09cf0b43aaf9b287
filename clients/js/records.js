// The record of an upload, stored so that the upload can be resumed after a reload.
import { mediaTypeOf } from "./media-types.js";

export const METHODS = { post: "POST", put: "PUT", multipart: "MULTIPART" };

export function contentTypeOf(file, given) {
  return mediaTypeOf(file.name ?? "", given, file.type);
}

/** Return a file's name without control characters and direction marks. A long name keeps its end. */
export function nameOf(file) {
  const name = (file.name ?? "").replace(/[\p{Cc}\p{Cs}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, "");
  return [...name].slice(-255).join("") || "image";
}

/** Return the text without the refused characters, cut to `length` characters. */
export function cleaned(text, refused, length) {
  return [...text.replace(refused, "")].slice(0, length).join("");
}

/** Return the fields of the ticket request that describe a file. */
export function declared({ name, type, size, digest, altText, order, owner, transport }) {
  const file = { file_name: name, content_type: type, size, checksum_sha256: digest };
  if (!owner.startsWith("/api/users/")) Object.assign(file, { alt_text: altText, order });
  return transport ? { ...file, transport } : file;
}

/**
 * Return a check whether a record is of an earlier upload of the same content for the same owner.
 * `since` is when this upload began. With `again`, only uploads that have not ended count.
 */
export function earlierUpload(content, { since, again }) {
  const isSame = (one) => Object.entries(content).every(([field, value]) => one[field] === value);
  // Two calls at the same time create two images, even if the first ends before the second reads
  // the records. If an upload ended in the future, the clock was set back.
  const endedBefore = ({ endedAt }) => endedAt <= since || endedAt > Date.now();
  return (one) => isSame(one) && (!one.ended || (!again && endedBefore(one)));
}

/** Return how well a record matches a file's name and time. Uploads that have not ended are preferred. */
export function likeness({ name, lastModified }) {
  return (one) => (one.ended ? -1 : (one.name === name) + (one.lastModified === lastModified));
}

export function uuid() {
  if (globalThis.crypto.randomUUID) return crypto.randomUUID();
  // Browsers do not offer randomUUID on plain http. Set version and variant as in RFC 9562.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
