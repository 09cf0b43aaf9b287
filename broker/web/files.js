// Files: the formats that the page asks for, and comparing files.

// The formats that every browser displays. JPEG is first: Safari converts to the first one.
const DISPLAYED = ["image/jpeg", "image/png", "image/webp", "image/gif"];

/**
 * Return the `accept` of a file input. iPhones convert HEIC to JPEG because HEIC is not in it. Photos that are
 * dropped, pasted or chosen among all files may have any type of the profile.
 */
export function acceptOf({ content_types: types }) {
  const displayed = DISPLAYED.filter((type) => types.includes(type));
  return (displayed.length ? displayed : types).join(",");
}

/** Check whether two files look the same: by name, size and time, without reading them. */
export function isSameFile(one, other) {
  return one.name === other.name && one.size === other.size && one.lastModified === other.lastModified;
}
