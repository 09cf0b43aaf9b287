// Compare files.

/** Check whether two files look the same: by name, size and time, without reading them. */
export function isSameFile(one, other) {
  return one.name === other.name && one.size === other.size && one.lastModified === other.lastModified;
}
