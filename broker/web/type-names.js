// The names of content types that users know.
import { ANY } from "./files.js";

const OFFICE = "application/vnd.openxmlformats-officedocument";
const NAMES = {
  "image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WebP", "image/gif": "GIF", "image/avif": "AVIF",
  "image/heic": "HEIC", "image/heif": "HEIF",
  "application/pdf": "PDF", "application/zip": "ZIP", "application/rtf": "RTF", "text/plain": "Text", "text/csv": "CSV",
  [`${OFFICE}.wordprocessingml.document`]: "Word", [`${OFFICE}.spreadsheetml.sheet`]: "Excel",
  [`${OFFICE}.presentationml.presentation`]: "PowerPoint",
  "application/vnd.oasis.opendocument.text": "ODT", "application/vnd.oasis.opendocument.spreadsheet": "ODS",
  "video/mp4": "MP4", "video/quicktime": "MOV", "video/webm": "WebM",
  "audio/mpeg": "MP3", "audio/mp4": "M4A", "audio/wav": "WAV", "audio/ogg": "Ogg",
};
const LISTED = 8; // a longer list is shortened

/** Return the name of a file's type: `PDF`. If the type has none, return the file's extension: `STL`. */
export function typeOfFile(type, fileName) {
  const [, extension] = /[^.]\.([^.]+)$/.exec(fileName) ?? [];
  return NAMES[type] ?? extension?.toUpperCase() ?? "File";
}

/** Return a profile's file types as text: `JPEG, PNG or WebP`, or `Any file`. */
export function typeNames({ content_types: types }) {
  if (types.includes(ANY)) return "Any file";
  const names = types.map((type) => NAMES[type] ?? type);
  const shown = names.length > LISTED ? [...names.slice(0, LISTED - 1), `${names.length - LISTED + 1} other types`] : names;
  return shown.length > 1 ? `${shown.slice(0, -1).join(", ")} or ${shown.at(-1)}` : shown[0];
}
