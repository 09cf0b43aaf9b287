// The shelf of one's listings, and the title and price of the one at hand.

const byId = (id) => document.getElementById(id);
const UNTITLED = "Untitled listing";

/** One's listings; `opened(ad)` is called with the one at hand, or null for one not made yet. */
export class Listings {
  #session; #opened; #tell; #ads = []; #current = null; #making = null;

  constructor(session, { opened, tell }) {
    this.#session = session;
    this.#opened = opened;
    this.#tell = tell;
    byId("new-listing").addEventListener("click", () => {
      this.#open(null);
      byId("title").focus();
    });
    byId("listing").addEventListener("submit", (event) => event.preventDefault());
    byId("listing").addEventListener("change", () => this.#save());
  }

  get current() { return this.#current; }

  /** Load them, and open the one that the address names, else the newest. */
  async load() {
    const wanted = Number(new URLSearchParams(location.hash.slice(1)).get("listing"));
    this.#ads = (await this.#session.api("GET", `/api/ads/?owner=${this.#session.user}&limit=100`)).results;
    this.#open(this.#ads.find((ad) => ad.id === wanted) ?? this.#ads[0] ?? null);
  }

  /** Give the listing at hand, made if need be. */
  async made() {
    if (this.#current) return this.#current;
    this.#making ??= this.#session.api("POST", "/api/ads/", {
      title: byId("title").value.trim() || UNTITLED,
      price: byId("price").validity.valid && byId("price").value ? byId("price").value : "0.00",
    }).finally(() => { this.#making = null; });
    const ad = await this.#making;
    if (!this.#ads.some((one) => one.id === ad.id)) {
      this.#ads.unshift(ad);
      this.#open(ad);
    }
    return ad;
  }

  /** Read a listing again, as another tab may have changed it. */
  async refresh(id) {
    const ad = await this.#session.api("GET", `/api/ads/${id}/`);
    this.#ads = this.#ads.map((one) => (one.id === id ? ad : one));
    if (this.#current?.id === id) this.#current = ad;
    this.#draw();
    return ad;
  }

  #open(ad) {
    this.#current = ad;
    const { hash } = location;
    const next = ad ? `#listing=${ad.id}` : "#new";
    if (hash !== next) history.replaceState(null, "", next);
    byId("title").value = ad?.title ?? "";
    byId("price").value = ad?.price ?? "";
    byId("listing-state").textContent = "";
    this.#draw();
    this.#opened(ad);
  }

  async #save() {
    if (!byId("listing").checkValidity()) {
      byId("listing-state").textContent = byId("title").validity.valid ? "Write the price as 12 or 12.50." : "It needs a title.";
      return;
    }
    try {
      const changes = { title: byId("title").value.trim(), price: byId("price").value };
      if (this.#current) {
        await this.#session.api("PATCH", `/api/ads/${this.#current.id}/`, changes);
        await this.refresh(this.#current.id);
      } else {
        await this.made();
      }
      byId("listing-state").textContent = "Saved.";
    } catch (error) {
      this.#tell(error);
    }
  }

  #draw() {
    byId("listings").replaceChildren(...this.#ads.map((ad) => {
      const cover = Object.assign(document.createElement("span"), { className: "cover" });
      if (ad.main_image_url) cover.append(Object.assign(new Image(), { src: ad.main_image_url, alt: "", loading: "lazy" }));
      const name = Object.assign(document.createElement("span"), { className: "name", textContent: ad.title });
      const button = Object.assign(document.createElement("button"), { type: "button" });
      if (ad.id === this.#current?.id) button.setAttribute("aria-current", "true");
      button.append(cover, name);
      button.addEventListener("click", () => this.#open(ad));
      const item = document.createElement("li");
      item.append(button);
      return item;
    }));
  }
}
