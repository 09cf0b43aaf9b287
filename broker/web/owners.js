// The list of owners that the token grants, beside the listings.
import { readGrants } from "./grants.js";
import { wordOf } from "./owner-names.js";

const byId = (id) => document.getElementById(id);

/** The granted owners. `onOpen(owner)` is called when the user chooses one. */
export class Owners {
  #profiles; #onOpen; #granted = new Map(); #items = new Map(); #current = null;

  constructor(profiles, { onOpen }) {
    this.#profiles = profiles;
    this.#onOpen = onOpen;
  }

  /** Return the keys of the owners that can be opened. */
  get keys() { return [...this.#granted.keys()]; }

  /** Check whether the current token grants an action for an owner. */
  may(key, action) { return this.#granted.get(key)?.has(action) ?? false; }

  /** Show the grants of a token. An open owner stays, also if the token does not grant it any more. */
  show(claims) {
    const { granted, unknown, malformed } = readGrants(claims, this.#profiles);
    this.#granted = granted;
    this.#note(unknown, malformed);
    this.#draw();
  }

  /** Open an owner. Returns false if the token does not grant it. */
  open(key) {
    if (!this.#granted.has(key)) return false;
    this.#current = key;
    history.replaceState(null, "", `#owner=${key}`);
    this.#draw();
    this.#items.get(key).scrollIntoView({ block: "nearest", inline: "nearest" }); // on phones the list is one row
    this.#onOpen(ownerOf(key, this.#profiles));
    return true;
  }

  /** A listing was opened instead. */
  leave() {
    this.#current = null;
    this.#draw();
  }

  #draw() {
    const keys = new Set([...this.keys, ...(this.#current ? [this.#current] : [])]);
    for (const key of keys) if (!this.#items.has(key)) this.#items.set(key, this.#item(key));
    const list = byId("owners");
    // The buttons are reused, so that the focus does not change.
    [...list.children].forEach((item) => { if (!keys.has(item.dataset.key)) item.remove(); });
    [...keys].forEach((key, index) => {
      const item = this.#items.get(key);
      if (list.children[index] !== item) list.insertBefore(item, list.children[index] ?? null);
      const button = item.firstElementChild;
      if (key === this.#current) button.setAttribute("aria-current", "true");
      else button.removeAttribute("aria-current");
    });
    byId("granted").hidden = !keys.size;
  }

  #item(key) {
    const owner = ownerOf(key, this.#profiles);
    const item = byId("owner-item").content.firstElementChild.cloneNode(true);
    item.dataset.key = key;
    const icon = owner.limits.visibility === "private" ? "#sheet" : "#picture";
    item.querySelector("use").setAttribute("href", icon);
    item.querySelector(".which").textContent = item.querySelector(".name").title = owner.owner;
    item.querySelector(".hint").textContent = wordOf(owner.profile);
    item.querySelector("button").addEventListener("click", () => this.open(key));
    return item;
  }

  /** Show which grants have no effect, so that nobody searches for what is missing. */
  #note(unknown, malformed) {
    const texts = [];
    if (unknown.size) texts.push(`Your token names ${[...unknown].join(", ")}, which this broker doesn't have.`);
    if (malformed) texts.push(malformed === 1 ? "A grant in your token isn't valid." : `${malformed} grants in your token aren't valid.`);
    byId("skipped").hidden = !texts.length;
    byId("skipped").textContent = texts.length ? `${texts.join(" ")} The rest works.` : "";
  }
}

function ownerOf(key, profiles) {
  const [profile, owner] = key.split("/");
  return { key, profile, owner, limits: profiles[profile] };
}
