// Uploads that an earlier visit began and did not end.
import { isSameFile } from "./files.js";
import { counted } from "./measures.js";

const byId = (id) => document.getElementById(id);

/** The note about them, for one listing at a time. */
export class Interrupted {
  #broker; #shown; #listing = null; #found = [];

  /** `shown()` gives the files that are on the board already, which are not asked for again. */
  constructor(broker, { shown, tell }) {
    this.#broker = broker;
    this.#shown = shown;
    byId("interrupted-drop").addEventListener("click", async () => {
      try {
        await Promise.all(this.#asked.map(({ id }) => this.#broker.discard(id)));
      } catch (error) {
        tell(error);
      }
      await this.show(this.#listing);
      byId("choose").focus();
    });
  }

  get #asked() {
    const files = this.#shown();
    return this.#found.filter((one) => !files.some((file) => isSameFile(one, file)));
  }

  /** Look again; a listing that is not made yet has none. */
  async show(listing = this.#listing) {
    this.#listing = listing;
    const found = listing === null ? [] : await this.#broker.resumable({ ad: listing });
    if (listing !== this.#listing) return; // another was opened meanwhile
    this.#found = found.filter((one) => !one.busy);
    this.draw();
  }

  /** Draw the note for what is on the board by now. */
  draw() {
    const found = this.#asked;
    byId("interrupted").hidden = !found.length;
    byId("interrupted-title").textContent = `${counted(found.length, "upload was", "uploads were")} interrupted`;
    byId("interrupted-names").replaceChildren(...found.map(({ name }) =>
      Object.assign(document.createElement("li"), { textContent: name })));
  }
}
