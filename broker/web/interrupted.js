// Uploads that an earlier visit started and did not finish.
import { isSameFile } from "./files.js";
import { counted } from "./format.js";

const byId = (id) => document.getElementById(id);

/** The notice about interrupted uploads, for one listing at a time. */
export class Interrupted {
  #broker; #shown; #listing = null; #found = [];

  /** `shown()` returns the files that are already on the board; the notice does not list them. */
  constructor(broker, { shown, onError }) {
    this.#broker = broker;
    this.#shown = shown;
    byId("interrupted-drop").addEventListener("click", async () => {
      try {
        await Promise.all(this.#listed.map(({ id }) => this.#broker.discard(id)));
      } catch (error) {
        onError(error);
      }
      await this.show(this.#listing);
      byId("choose").focus();
    });
  }

  get #listed() {
    const files = this.#shown();
    return this.#found.filter((one) => !files.some((file) => isSameFile(one, file)));
  }

  /** Read the interrupted uploads again. A listing that is not created yet has none. */
  async show(listing = this.#listing) {
    this.#listing = listing;
    const found = listing === null ? [] : await this.#broker.resumable({ ad: listing });
    if (listing !== this.#listing) return; // another listing was opened in the meantime
    this.#found = found.filter((one) => !one.busy && !one.processing);
    this.draw();
  }

  /** Draw the notice for the current state of the board. */
  draw() {
    const found = this.#listed;
    byId("interrupted").hidden = !found.length;
    byId("interrupted-title").textContent = `${counted(found.length, "upload was", "uploads were")} interrupted`;
    byId("interrupted-names").replaceChildren(...found.map(({ name }) =>
      Object.assign(document.createElement("li"), { textContent: name })));
  }
}
