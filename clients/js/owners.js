// The owners of files: an ad, a user, or an owner of another profile. A record stores its path.

const IN_PATH = /^\/api\/(?:(?:ads|users)\/\d+|owners\/[^/?]+\/[^/?]+)(?=[/?]|$)/;
const FORMS = [["ad"], ["user"], ["profile", "owner"]];

/** Return the owner's path in the API. Throws TypeError if the options do not name one owner. */
export function pathOf(options = {}) {
  const [form, ...more] = FORMS.filter((names) => names.some((name) => options[name] !== undefined));
  if (!form || more.length || form.some((name) => ["", null, undefined].includes(options[name]))) {
    throw new TypeError("Pass the owner: `ad`, `user`, or `profile` and `owner`.");
  }
  const { ad, user, profile, owner } = options;
  if (form[0] === "ad") return `/api/ads/${ad}`;
  if (form[0] === "user") return `/api/users/${user}`;
  return `/api/owners/${encodeURIComponent(profile)}/${encodeURIComponent(owner)}`;
}

/** Check whether the options name an owner. */
export function hasOwner(options = {}) {
  return FORMS.flat().some((name) => options?.[name] !== undefined);
}

/** Return the path of the owner that an API path belongs to, or null. */
export function pathIn(path) {
  return IN_PATH.exec(path)?.[0] ?? null;
}

/** Return the path of an owner as the API names it in an upload. */
export function pathOfUpload({ purpose, owner }) {
  if (purpose === "ad_image") return pathOf({ ad: owner });
  return purpose === "avatar" ? pathOf({ user: owner }) : pathOf({ profile: purpose, owner });
}

/**
 * Return the owner at a path: `ids` as in the options of `upload`, its profile and name as in a grant,
 * and the paths of its requests. `tickets` is null if the owner takes one file at a time.
 */
export function ownerAt(path) {
  const [kind, id, name] = path.split("/").slice(2).map(decodeURIComponent);
  if (kind === "ads") {
    return {
      path, profile: "ad_image", owner: id, ids: { ad: Number(id) },
      ticket: `${path}/upload_image/`, tickets: `${path}/upload_images/`, file: (number) => `${path}/images/${number}/`,
    };
  }
  if (kind === "users") {
    return { path, profile: "avatar", owner: id, ids: { user: Number(id) }, ticket: `${path}/upload_avatar/`, tickets: null, file: null };
  }
  return {
    path, profile: id, owner: name, ids: { profile: id, owner: name },
    ticket: `${path}/uploads/`, tickets: `${path}/uploads/batch/`, file: (number) => `${path}/files/${number}/`,
  };
}

/** Return the path of an owner's published files. Every profile has one, also those of ads and avatars. */
export function filesPath(options) {
  const { profile, owner } = ownerAt(pathOf(options));
  return `${pathOf({ profile, owner })}/files/`;
}
