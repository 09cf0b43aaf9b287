/**
 * Media types by name and by file extension. The tests compare these lists, and those of the Python
 * client and the broker, with tests/media_types.json.
 */

// For files whose type the browser does not know. Most browsers do not know HEIC.
export const MEDIA_TYPES = {
  jpg: "image/jpeg", jpeg: "image/jpeg", jpe: "image/jpeg", jfif: "image/jpeg", png: "image/png", webp: "image/webp",
  gif: "image/gif", avif: "image/avif", heic: "image/heic", heif: "image/heif",
  // Documents, videos and sounds, which only private profiles accept.
  pdf: "application/pdf", txt: "text/plain", csv: "text/csv", zip: "application/zip", rtf: "application/rtf",
  docx: "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
  xlsx: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
  pptx: "application/vnd.openxmlformats-officedocument.presentationml.presentation",
  odt: "application/vnd.oasis.opendocument.text", ods: "application/vnd.oasis.opendocument.spreadsheet",
  mp4: "video/mp4", mov: "video/quicktime", webm: "video/webm",
  mp3: "audio/mpeg", m4a: "audio/mp4", wav: "audio/wav", ogg: "audio/ogg",
};
export const ALIASES = {
  "image/jpg": "image/jpeg", "image/pjpeg": "image/jpeg", "image/x-png": "image/png",
  "application/x-zip-compressed": "application/zip", "application/x-pdf": "application/pdf", "application/csv": "text/csv",
  "text/rtf": "application/rtf", "audio/mp3": "audio/mpeg", "audio/x-m4a": "audio/mp4",
  "audio/x-wav": "audio/wav", "audio/wave": "audio/wav", "audio/vnd.wave": "audio/wav",
};
export const ANY = "application/octet-stream"; // a profile with this type accepts any file
export const UNNAMED_TYPES = ["", "binary/octet-stream", ANY];

/**
 * Return a file's media type: the caller's, otherwise the browser's, otherwise by file extension.
 * Aliases, letter case and parameters are resolved as the broker does.
 */
export function mediaTypeOf(fileName, given, fromBrowser) {
  for (const type of [given, fromBrowser]) {
    const named = (type ?? "").split(";")[0].replace(/^ +| +$/g, "").toLowerCase();
    if (!UNNAMED_TYPES.includes(named)) return ALIASES[named] ?? named;
  }
  const extension = /[^.].*\.([^.]*)$/s.exec(fileName)?.[1].toLowerCase();
  return MEDIA_TYPES[extension] ?? ANY;
}
