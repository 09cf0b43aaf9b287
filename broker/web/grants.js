// What the token grants. The page reads it only to know what to show; the broker verifies it.

export const ACTIONS = ["create", "update", "delete", "read"];
const FIELDS = ["type", "profile", "owner", "actions"];
const MAX_ENTRIES = 100; // the broker ignores a longer claim
const INTEGER = /^[1-9][0-9]{0,17}$/;
const OWNER = /^[A-Za-z0-9_-]{1,64}$/;
const PROFILE = /^[a-z][a-z0-9_]{0,31}$/;

/** Check whether a profile's owners are integers, as those of ads and users are. */
export function hasIntegers(profile) {
  return ["ad_image", "avatar"].includes(profile);
}

/** Check whether a grant can name an owner, such as `product_image/42`. */
export function isGrantable(key, profiles) {
  const [profile, owner = ""] = key.split(/\/(.*)/s);
  if (!Object.hasOwn(profiles, profile) || profiles[profile].owners !== "token") return false;
  return (hasIntegers(profile) ? INTEGER : OWNER).test(owner);
}

/**
 * Read the grants of a token's claims, by the broker's own rules: docs/tokens.md.
 *
 * Returns `granted`, the actions of each owner by its key `profile/owner`, `unknown`, the profiles that the broker
 * does not have, and `malformed`, the number of grants that it ignores.
 */
export function readGrants({ authorization_details: claim }, profiles) {
  const granted = new Map(), unknown = new Set();
  if (claim === undefined || claim === null) return { granted, unknown, malformed: 0 };
  if (!Array.isArray(claim) || claim.length > MAX_ENTRIES) return { granted, unknown, malformed: 1 };
  let malformed = 0;
  for (const entry of claim) {
    if (isOfAnotherType(entry)) continue;
    if (!isGrant(entry)) {
      malformed++;
      continue;
    }
    const { profile, owner, actions } = entry;
    const key = `${profile}/${owner}`;
    if (!Object.hasOwn(profiles, profile)) unknown.add(profile);
    else if (profiles[profile].owners !== "token") continue; // the broker's tables decide
    else if (!isGrantable(key, profiles)) malformed++;
    else granted.set(key, new Set([...(granted.get(key) ?? []), ...actions]));
  }
  return { granted, unknown, malformed };
}

function isOfAnotherType(entry) {
  return typeof entry?.type === "string" && entry.type !== "upload";
}

function isGrant(entry) {
  if (entry === null || typeof entry !== "object" || Array.isArray(entry)) return false;
  const { type, profile, owner, actions } = entry;
  return type === "upload" && Object.keys(entry).every((name) => FIELDS.includes(name)) &&
    typeof profile === "string" && PROFILE.test(profile) && typeof owner === "string" && OWNER.test(owner) &&
    Array.isArray(actions) && actions.length >= 1 && actions.length <= ACTIONS.length &&
    actions.every((action) => ACTIONS.includes(action));
}
