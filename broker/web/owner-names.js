// How profiles and owners are named for the user.

/** Return a profile's name as a word: `Product image`. */
export function wordOf(profile) {
  const words = profile.replaceAll("_", " ").trim();
  return words[0].toUpperCase() + words.slice(1);
}

/** Return the name of an owner: `Product image 42`. */
export function nameOf({ profile, owner }) {
  return `${wordOf(profile)} ${owner}`;
}
