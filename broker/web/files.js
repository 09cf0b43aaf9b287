// Files, as a browser lets a page see them.

/** Whether two files look like one: a browser says no more of them without reading. */
export function isSameFile(one, other) {
  return one.name === other.name && one.size === other.size && one.lastModified === other.lastModified;
}
