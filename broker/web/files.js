// Compare files, and choose the formats that the page asks for.

export const ANY = "application/octet-stream"; // a profile with this type accepts any file
// The formats that every browser displays. JPEG is first, because Safari converts to the first format.
const DISPLAYED = ["image/jpeg", "image/png", "image/webp", "image/gif"];

/**
 * Return the `accept` of a file input. For photos it has no HEIC, so that iPhones convert HEIC to JPEG. Files that
 * are dropped, pasted or chosen among all files may have any type of the profile. It is empty for a profile that
 * accepts any file.
 */
export function acceptOf({ content_types: types }) {
  if (types.includes(ANY)) return "";
  const areImages = types.every((type) => type.startsWith("image/"));
  const displayed = DISPLAYED.filter((type) => types.includes(type));
  return (areImages && displayed.length ? displayed : types).join(",");
}

/** Check whether two files look the same: by name, size and time, without reading them. */
export function isSameFile(one, other) {
  return one.name === other.name && one.size === other.size && one.lastModified === other.lastModified;
}
