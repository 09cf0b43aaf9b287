// Uploads that an earlier visit began and did not end.
import { counted } from "./measures.js";

const byId = (id) => document.getElementById(id);
const NAMES = 5;

/** The note about them, for one listing at a time. */
export class Interrupted {
  #broker; #listing = null; #found = [];

  constructor(broker, tell) {
    this.#broker = broker;
    byId("interrupted-drop").addEventListener("click", async () => {
      try {
        await Promise.all(this.#found.map(({ id }) => this.#broker.discard(id)));
      } catch (error) {
        tell(error);
      }
      await this.show(this.#listing);
      byId("choose").focus();
    });
  }

  /** Look again; a listing that is not made yet has none. */
  async show(listing = this.#listing) {
    this.#listing = listing;
    const found = listing === null ? [] : await this.#broker.resumable({ ad: listing });
    if (listing !== this.#listing) return; // another was opened meanwhile
    this.#found = found.filter((one) => !one.busy);
    byId("interrupted").hidden = !this.#found.length;
    byId("interrupted-title").textContent =
      `${counted(this.#found.length, "upload was", "uploads were")} interrupted`;
    const names = this.#found.slice(0, NAMES).map((one) => one.name);
    if (this.#found.length > NAMES) names.push(`and ${this.#found.length - NAMES} more`);
    byId("interrupted-names").replaceChildren(...names.map((name) =>
      Object.assign(document.createElement("li"), { textContent: name })));
  }
}
