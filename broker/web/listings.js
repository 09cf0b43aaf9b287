// The list of the user's listings, and the title and price of the open one.
import { showPicture } from "./picture.js";

const byId = (id) => document.getElementById(id);
const UNTITLED = "Untitled listing";
const FIELDS = ["title", "price"];

/**
 * The user's listings. `mayCreate` says whether the user may create listings. `onOpen(ad)` gets the open one, or null
 * for one that is not created yet.
 */
export class Listings {
  #broker; #mayCreate; #onOpen; #onChange; #onError;
  #ads = []; #items = new Map();
  #current = null; // the open listing; null for one that is not created yet, undefined if another owner is open
  #draft = newDraft(); // the listing that is not created yet
  #saves = Promise.resolve();
  #version = 0; // the number of changes that this tab has made at the broker

  constructor(broker, { mayCreate, onOpen, onChange, onError }) {
    this.#broker = broker;
    this.#mayCreate = mayCreate;
    this.#onOpen = onOpen;
    this.#onChange = onChange;
    this.#onError = onError;
    byId("new-listing").hidden = !mayCreate;
    if (!mayCreate) byId("no-listings").textContent = "No listings yet. The marketplace creates them.";
    byId("new-listing").addEventListener("click", () => {
      this.#draft = newDraft();
      this.#open(null);
      byId("title").focus();
    });
    byId("listing").addEventListener("submit", (event) => event.preventDefault());
    byId("listing").addEventListener("change", () => this.save());
  }

  get current() { return this.#current; }

  /**
   * Load a user's listings. If `open` is true, open the one in the page's address, otherwise the newest. A user
   * without listings gets a new one, unless the marketplace creates them.
   */
  async load(user, { open }) {
    const wanted = Number(new URLSearchParams(location.hash.slice(1)).get("listing"));
    this.#ads = (await this.#ask("GET", `/api/ads/?owner=${user}&limit=100`)).results;
    const first = this.#of(wanted) ?? this.#ads[0] ?? null;
    if (open && (first || this.#mayCreate)) this.#open(first);
    else this.leave();
  }

  /** Another owner was opened instead. */
  leave() {
    this.#current = undefined;
    this.#draw();
  }

  /** Return the open listing, and create it first if necessary. */
  async ensure() {
    if (this.#current) return this.#current;
    const draft = this.#draft;
    draft.making ??= this.#make(draft).finally(() => { draft.making = null; });
    return await draft.making;
  }

  async #make(draft) {
    // An earlier try may have created the listing although its answer was lost, so send exactly the
    // same request.
    draft.body ??= {
      title: byId("title").value.trim() || UNTITLED,
      price: byId("price").validity.valid && byId("price").value ? byId("price").value : "0.00",
    };
    let ad;
    try {
      ad = await this.#ask("POST", "/api/ads/", { body: draft.body, idempotencyKey: draft.key });
    } catch (error) {
      if (error.code === "validation_error") draft.body = null; // nothing was created
      throw error;
    }
    this.#ads.unshift(ad);
    if (this.#current === null && this.#draft === draft) {
      const written = shown();
      this.#open(ad);
      // Save what was typed while it was being created.
      for (const name of FIELDS) if (written[name]) byId(name).value = written[name];
      this.save();
    } else {
      this.#draw();
    }
    return ad;
  }

  /** Read a listing again, because another tab may have changed it. */
  async refresh(id) {
    const before = this.#version;
    const ad = await this.#ask("GET", `/api/ads/${id}/`);
    // The answer may not include changes that were made after the request.
    if (before === this.#version) this.#take(ad);
    return ad;
  }

  #ask(method, path, options) {
    return this.#broker.request(method, path, { ...options, onWaiting: this.#onError });
  }

  #of(id) { return this.#ads.find((ad) => ad.id === id); }

  #open(ad) {
    this.#current = ad;
    const next = ad ? `#listing=${ad.id}` : "#new";
    if (location.hash !== next) history.replaceState(null, "", next);
    for (const name of FIELDS) byId(name).value = ad?.[name] ?? "";
    this.#showState("");
    this.#draw();
    this.#onOpen(ad);
  }

  #showState(text) { byId("listing-state").textContent = text; }

  /** Check whether some changes have not been saved at the broker. */
  get unsent() { return Boolean(this.#current) && Object.keys(changes(this.#current)).length > 0; }

  /** Save the changes at the broker, one request after the other. */
  save() {
    const ad = this.#current;
    if (ad === undefined) return;
    const body = ad && changes(ad);
    if (ad && !Object.keys(body).length) return;
    if (!byId("listing").checkValidity()) {
      return this.#showState(byId("title").validity.valid ? "Enter the price as 12 or 12.50." : "Enter a title.");
    }
    this.#saves = this.#saves.then(() => (ad ? this.#send(ad.id, body) : this.ensure())).then(
      (saved) => { if (this.#current?.id === saved.id) this.#showState("Saved."); },
      this.#onError,
    );
  }

  async #send(id, body) {
    this.#version++;
    try {
      this.#take(await this.#ask("PATCH", `/api/ads/${id}/`, { body }));
    } finally {
      this.#version++;
    }
    this.#onChange(id);
    return this.#of(id);
  }

  /** Show a listing's current state at the broker. */
  #take(ad) {
    const before = this.#of(ad.id);
    this.#ads = this.#ads.map((one) => (one === before ? ad : one));
    if (before && this.#current === before) {
      this.#current = ad;
      for (const name of FIELDS) {
        // Keep a field that the user is editing.
        const field = byId(name);
        const kept = field === document.activeElement || !(same(name, field.value, before[name]) || same(name, field.value, ad[name]));
        if (!kept) field.value = ad[name];
      }
    }
    this.#draw();
  }

  /** Draw the list. The buttons are reused, so that the focus does not change. */
  #draw() {
    const list = byId("listings");
    byId("your-listings").toggleAttribute("data-empty", !this.#ads.length);
    this.#ads.forEach((ad, index) => {
      if (!this.#items.has(ad.id)) this.#items.set(ad.id, this.#item(ad.id));
      const item = this.#items.get(ad.id);
      fill(item.firstElementChild, ad, ad === this.#current);
      if (list.children[index] !== item) list.insertBefore(item, list.children[index] ?? null);
    });
  }

  #item(id) {
    const button = Object.assign(document.createElement("button"), { type: "button" });
    for (const className of ["cover", "name"]) button.append(Object.assign(document.createElement("span"), { className }));
    button.addEventListener("click", () => this.#open(this.#of(id)));
    const item = document.createElement("li");
    item.append(button);
    return item;
  }
}

/** Return a new draft. Its idempotency key ensures that the listing is created only once. */
function newDraft() {
  const key = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return { key, body: null, making: null };
}

function shown() {
  return { title: byId("title").value.trim(), price: byId("price").value.trim() };
}

/** Return the fields that differ from a listing. */
function changes(ad) {
  return Object.fromEntries(Object.entries(shown()).filter(([name, value]) => !same(name, value, ad[name])));
}

function same(name, one, other) {
  return name === "price" && one && other ? Number(one) === Number(other) : one.trim() === other;
}

function fill(button, ad, isCurrent) {
  const [cover, name] = button.children;
  name.textContent = ad.title;
  if (isCurrent) button.setAttribute("aria-current", "true");
  else button.removeAttribute("aria-current");
  const [main] = ad.images;
  if ((cover.firstElementChild?.getAttribute("src") ?? null) === (main?.image_url ?? null)) return;
  cover.replaceChildren();
  if (!main) return;
  const image = Object.assign(new Image(), { alt: "", loading: "lazy" });
  image.addEventListener("error", () => { image.hidden = true; }); // this browser cannot show the file type
  showPicture(image, main, "3rem");
  cover.append(image);
}
