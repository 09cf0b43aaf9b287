// What the token grants. The page reads it only to know what to show; the broker verifies it.

export const ACTIONS = ["create", "update", "delete", "read"];
const FIELDS = ["type", "profile", "owner", "actions"];
const MAX_ENTRIES = 100; // the broker ignores a longer claim
const INTEGER = /^[1-9][0-9]{0,17}$/;
const OWNER = /^[A-Za-z0-9_-]{1,64}$/;
const PROFILE = /^[a-z][a-z0-9_]{0,31}$/;

/** Return the form of a profile's owners. Ads and users are integers. */
export function formOf(profile) {
  return ["ad_image", "avatar"].includes(profile) ? INTEGER : OWNER;
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
    if (!Object.hasOwn(profiles, profile)) unknown.add(profile);
    else if (profiles[profile].owners !== "token") continue; // the broker's tables decide
    else if (!formOf(profile).test(owner)) malformed++;
    else granted.set(`${profile}/${owner}`, new Set([...(granted.get(`${profile}/${owner}`) ?? []), ...actions]));
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
