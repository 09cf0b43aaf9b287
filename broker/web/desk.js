// The open board: its headings, its limits, and which actions are offered.
import { acceptOf } from "./files.js";
import { bytes } from "./format.js";
import { nameOf } from "./owner-names.js";
import { typeNames } from "./type-names.js";

const byId = (id) => document.getElementById(id);

/** Show a board in the place of the one before. */
export function showBoard(board, source) {
  const element = board?.element ?? Object.assign(document.createElement("ol"), { className: "grid" });
  document.querySelector("#files-place > ol").replaceWith(element);
  const { noun, profile, ids } = source;
  const isListing = !("profile" in ids);
  const { keeps_one: keepsOne } = profile;
  const nouns = `${noun}s`;
  byId("app").dataset.open = isListing ? "listing" : "owner";
  byId("listing").hidden = !isListing;
  byId("owner-title").hidden = isListing;
  if (!isListing) byId("owner-title").textContent = nameOf(ids);
  byId("drop-art").setAttribute("href", source.isPrivate ? "#sheet" : "#picture");
  byId("files-title").textContent = sentence(keepsOne ? noun : nouns);
  byId("drop-mouse").textContent = keepsOne ? `Drag a ${noun} here` : `Drag ${nouns} here`;
  byId("drop-touch").textContent = keepsOne ? `Add a ${noun}` : `Add ${nouns}`;
  byId("choose").textContent = keepsOne ? `Choose a ${noun}` : `Choose ${nouns}`;
  byId("interrupted-again").textContent = `Choose the same ${nouns} again to continue. What was already uploaded is not sent again.`;
  byId("interrupted-choose").textContent = `Choose ${nouns} again`;
  const pictures = profile.content_types.filter((type) => type.startsWith("image/"));
  byId("shoot").hidden = !pictures.length;
  byId("files").multiple = !keepsOne;
  byId("files").accept = acceptOf(profile);
  byId("shot").accept = acceptOf({ content_types: pictures });
  byId("limits").textContent = limitsOf(profile, { noun, isListing });
}

/** Update the count, and what is offered for the current files and token. */
export function showState(board, source) {
  const count = board?.count ?? 0;
  const { noun, profile: { max_count: most, keeps_one: keepsOne } } = source;
  byId("count").textContent = keepsOne ? "" : most ? `${count} of ${most}` : String(count);
  const isIncomplete = source.hasMore;
  if (isIncomplete) byId("count").textContent = `${count} shown`;
  byId("more").hidden = !isIncomplete;
  const mayAdd = source.may("create");
  byId("drop").hidden = !mayAdd;
  byId("drop").classList.toggle("small", count > 0);
  byId("rights").textContent = rightsOf(source);
  byId("nothing").hidden = count > 0 || mayAdd || !source.isLoaded;
  byId("nothing").textContent = `No ${noun}s yet.`;
}

function limitsOf(profile, { noun, isListing }) {
  const { max_count: most, keeps_one: keepsOne } = profile;
  const texts = [`${typeNames(profile)}, up to ${bytes(profile.max_bytes)}${keepsOne ? "" : " each"}`];
  if (isListing) texts.push(most ? `${most} ${noun}s per listing` : `any number of ${noun}s per listing`);
  else if (most && !keepsOne) texts.push(`${most} ${noun}s at most`);
  const more = keepsOne ? `A new ${noun} replaces the one before.` : `You can also paste ${noun}s.`;
  return `${texts.join(", ")}. ${more}`;
}

/** Return what the token does not allow, so that a missing button is no riddle. */
function rightsOf({ may, mayRead, ids, noun, isPrivate }) {
  if (!("profile" in ids)) return "";
  if (!mayRead) return may("create") ? `You can add ${noun}s, but you can't see those that are stored.` : `Your token doesn't allow you to see these ${noun}s.`;
  const verbs = [["create", "add"], ["update", isPrivate ? null : "change"], ["delete", "delete"]];
  const missing = verbs.filter(([action, verb]) => verb && !may(action)).map(([, verb]) => verb);
  if (!missing.length) return "";
  return `Your token doesn't allow you to ${missing.length > 1 ? `${missing.slice(0, -1).join(", ")} or ` : ""}${missing.at(-1)} ${noun}s.`;
}

function sentence(word) { return word[0].toUpperCase() + word.slice(1); }
