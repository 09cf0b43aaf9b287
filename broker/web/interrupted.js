// Uploads that an earlier visit started and did not finish.
import { isSameFile } from "./files.js";
import { focusFiles } from "./focus.js";
import { counted } from "./format.js";

const LOOK_AGAIN_MS = 1000;

const byId = (id) => document.getElementById(id);

/** The notice about interrupted uploads, for one owner at a time. */
export class Interrupted {
  #broker; #shown; #onError; #owner = null; #found = []; #timer;

  /** `shown()` returns the files that are already on the board; the notice does not list them. */
  constructor(broker, { shown, onError }) {
    this.#broker = broker;
    this.#shown = shown;
    this.#onError = onError;
    byId("interrupted-drop").addEventListener("click", async () => {
      try {
        await Promise.all(this.#listed.map(({ id }) => this.#broker.discard(id)));
      } catch (error) {
        onError(error);
      }
      await this.show(this.#owner);
      focusFiles();
    });
  }

  get #listed() {
    const files = this.#shown();
    return this.#found.filter((one) => !files.some((file) => isSameFile(one, file)));
  }

  /** Read the interrupted uploads of an owner again. A listing that is not created yet, null, has none. */
  async show(owner = this.#owner) {
    this.#owner = owner;
    const found = owner === null ? [] : await this.#broker.resumable(owner);
    if (owner !== this.#owner) return; // another owner was opened in the meantime
    this.#found = found.filter((one) => !one.busy && !one.processing);
    this.draw();
    clearTimeout(this.#timer);
    // Another tab sends it and may be closed, or the page before a reload has not let go of it yet.
    if (found.some((one) => one.busy)) this.#timer = setTimeout(() => this.show().catch(this.#onError), LOOK_AGAIN_MS);
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
