// The shelf of one's listings, and the title and price of the one at hand.

const byId = (id) => document.getElementById(id);
const UNTITLED = "Untitled listing";
const FIELDS = ["title", "price"];

/** One's listings; `opened(ad)` is called with the one at hand, or null for one not made yet. */
export class Listings {
  #broker; #opened; #changed; #tell;
  #ads = []; #items = new Map(); #current = null;
  #draft = newDraft(); // the listing that is not made yet
  #saves = Promise.resolve();
  #version = 0; // of what the broker has, as far as this tab has changed it

  constructor(broker, { opened, changed, tell }) {
    this.#broker = broker;
    this.#opened = opened;
    this.#changed = changed;
    this.#tell = tell;
    byId("new-listing").addEventListener("click", () => {
      this.#draft = newDraft();
      this.#open(null);
      byId("title").focus();
    });
    byId("listing").addEventListener("submit", (event) => event.preventDefault());
    byId("listing").addEventListener("change", () => this.save());
  }

  get current() { return this.#current; }

  /** Load those of a user, and open the one that the address names, else the newest. */
  async load(user) {
    const wanted = Number(new URLSearchParams(location.hash.slice(1)).get("listing"));
    this.#ads = (await this.#ask("GET", `/api/ads/?owner=${user}&limit=100`)).results;
    this.#open(this.#of(wanted) ?? this.#ads[0] ?? null);
  }

  /** Give the listing at hand, made if need be. */
  async made() {
    if (this.#current) return this.#current;
    const draft = this.#draft;
    draft.making ??= this.#make(draft).finally(() => { draft.making = null; });
    return await draft.making;
  }

  async #make(draft) {
    // A try whose answer was lost may have made it: the next one asks for the very same.
    draft.body ??= {
      title: byId("title").value.trim() || UNTITLED,
      price: byId("price").validity.valid && byId("price").value ? byId("price").value : "0.00",
    };
    let ad;
    try {
      ad = await this.#ask("POST", "/api/ads/", { body: draft.body, idempotencyKey: draft.key });
    } catch (error) {
      if (error.code === "validation_error") draft.body = null; // nothing was made of it
      throw error;
    }
    this.#ads.unshift(ad);
    if (this.#current === null && this.#draft === draft) {
      const written = shown();
      this.#open(ad);
      // What was written while it was being made is saved next.
      for (const name of FIELDS) if (written[name]) byId(name).value = written[name];
      this.save();
    } else {
      this.#draw();
    }
    return ad;
  }

  /** Read a listing again, as another tab may have changed it. */
  async refresh(id) {
    const before = this.#version;
    const ad = await this.#ask("GET", `/api/ads/${id}/`);
    // What was changed meanwhile may not be in that answer yet.
    if (before === this.#version) this.#take(ad);
    return ad;
  }

  #ask(method, path, options) {
    return this.#broker.request(method, path, { ...options, onWaiting: this.#tell });
  }

  #of(id) { return this.#ads.find((ad) => ad.id === id); }

  #open(ad) {
    this.#current = ad;
    const next = ad ? `#listing=${ad.id}` : "#new";
    if (location.hash !== next) history.replaceState(null, "", next);
    for (const name of FIELDS) byId(name).value = ad?.[name] ?? "";
    this.#say("");
    this.#draw();
    this.#opened(ad);
  }

  #say(text) { byId("listing-state").textContent = text; }

  /** Whether something is written that the broker does not have. */
  get unsent() { return this.#current !== null && Object.keys(changes(this.#current)).length > 0; }

  /** Send what is written and the broker does not have; one request after the other. */
  save() {
    const ad = this.#current;
    const body = ad && changes(ad);
    if (ad && !Object.keys(body).length) return;
    if (!byId("listing").checkValidity()) {
      return this.#say(byId("title").validity.valid ? "Write the price as 12 or 12.50." : "It needs a title.");
    }
    this.#saves = this.#saves.then(() => (ad ? this.#send(ad.id, body) : this.made())).then(
      (saved) => { if (this.#current?.id === saved.id) this.#say("Saved."); },
      this.#tell,
    );
  }

  async #send(id, body) {
    this.#version++;
    try {
      this.#take(await this.#ask("PATCH", `/api/ads/${id}/`, { body }));
    } finally {
      this.#version++;
    }
    this.#changed(id);
    return this.#of(id);
  }

  /** Show a listing as the broker has it by now. */
  #take(ad) {
    const before = this.#of(ad.id);
    this.#ads = this.#ads.map((one) => (one === before ? ad : one));
    if (this.#current === before) {
      this.#current = ad;
      for (const name of FIELDS) {
        // What is being written here stays.
        const field = byId(name);
        const kept = field === document.activeElement || !(same(name, field.value, before[name]) || same(name, field.value, ad[name]));
        if (!kept) field.value = ad[name];
      }
    }
    this.#draw();
  }

  /** Draw the shelf; its buttons stay the same ones, so that the focus does. */
  #draw() {
    const list = byId("listings");
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

/** A listing that is not made yet: its key makes it once, however often it is asked for. */
function newDraft() {
  const key = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return { key, body: null, making: null };
}

function shown() {
  return { title: byId("title").value.trim(), price: byId("price").value.trim() };
}

/** Give what is written and differs from a listing. */
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
  const src = ad.main_image_url;
  if (cover.firstElementChild?.getAttribute("src") === src) return;
  cover.replaceChildren();
  if (!src) return;
  const image = Object.assign(new Image(), { alt: "", loading: "lazy" });
  image.addEventListener("error", () => { image.hidden = true; }); // a kind that this browser cannot show
  image.src = src;
  cover.append(image);
}
