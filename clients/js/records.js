// What is kept of an upload, so that a page that is opened again can go on.

export const METHODS = { post: "POST", put: "PUT", multipart: "MULTIPART" };
// Where the browser knows none: HEIC is unknown to most.
const TYPES = {
  jpg: "image/jpeg", jpeg: "image/jpeg", png: "image/png", webp: "image/webp", gif: "image/gif",
  avif: "image/avif", heic: "image/heic", heif: "image/heif",
};

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
