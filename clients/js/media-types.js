/**
  * Media types by file extension. The tests compare this list, and those of the Python client and the
 * broker, with tests/media_types.json.
 */

// For files whose type the browser does not know. Most browsers do not know HEIC.
export const MEDIA_TYPES = {
  jpg: "image/jpeg", jpeg: "image/jpeg", png: "image/png", webp: "image/webp", gif: "image/gif",
  avif: "image/avif", heic: "image/heic", heif: "image/heif",
};

/** Return a file's media type: the caller's, otherwise the browser's, otherwise by file extension. */
export function mediaTypeOf(fileName, given, fromBrowser) {
  return given || fromBrowser || MEDIA_TYPES[fileName.split(".").pop().toLowerCase()] || "application/octet-stream";
}
