// The names of content types that users know.

const OFFICE = "application/vnd.openxmlformats-officedocument";
const NAMES = {
  "image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WebP", "image/gif": "GIF", "image/avif": "AVIF",
  "image/heic": "HEIC", "image/heif": "HEIF",
  "application/pdf": "PDF", "application/zip": "ZIP", "application/rtf": "RTF", "text/plain": "Text", "text/csv": "CSV",
  [`${OFFICE}.wordprocessingml.document`]: "Word", [`${OFFICE}.spreadsheetml.sheet`]: "Excel",
  [`${OFFICE}.presentationml.presentation`]: "PowerPoint",
  "application/vnd.oasis.opendocument.text": "ODT", "application/vnd.oasis.opendocument.spreadsheet": "ODS",
};
const LISTED = 8; // a longer list is shortened

/** Return the name of a content type: `PDF`. A type that has none is named as it is. */
export function typeName(type) {
  return NAMES[type] ?? type;
}

/** Return a profile's file types as text: `JPEG, PNG or WebP`. */
export function typeNames({ content_types: types }) {
  const names = types.map(typeName);
  const shown = names.length > LISTED ? [...names.slice(0, LISTED - 1), `${names.length - LISTED + 1} other types`] : names;
  return shown.length > 1 ? `${shown.slice(0, -1).join(", ")} or ${shown.at(-1)}` : shown[0];
}
