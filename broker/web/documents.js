// One owner's private files. Their signed links expire after some minutes, so they are read again before.
import { Board } from "./board.js";
import { DocumentItem } from "./document.js";

// How long before its expiry a link is renewed, and bounds in case this machine's clock is wrong.
const EARLY_MS = 60_000, SHORTEST_MS = 20_000, LONGEST_MS = 240_000;

/** The documents of one owner. */
export class Documents extends Board {
  #timer = null; #usableUntil = 0; #onError;

  constructor(source, options) {
    super(source, { ...options, className: "documents" });
    this.#onError = options.onError;
  }

  create(options) {
    const on = { ...options.on, download: (item, event) => this.#download(item, event) };
    return new DocumentItem({ ...options, order: undefined, on }); // documents are sorted by time
  }

  show(images) {
    super.show(images);
    const expiries = images.map((image) => Date.parse(image.url_expires_at)).filter(Number.isFinite);
    if (!expiries.length) return;
    const left = Math.min(...expiries) - Date.now() - EARLY_MS;
    const usable = Math.min(Math.max(left, SHORTEST_MS), LONGEST_MS);
    this.#usableUntil = Date.now() + usable;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      // A page in the background reads again when it is visible, and a board when it is opened.
      if (this.element.isConnected && document.visibilityState === "visible") this.#renew().catch(this.#onError);
    }, usable);
  }

  async #renew() {
    const before = this.version;
    const images = await this.source.read();
    if (images && before === this.version) this.show(images);
  }

  /** Follow a link, after it was renewed if this is necessary: the machine may have slept. */
  async #download(item, event) {
    if (Date.now() < this.#usableUntil) return;
    event.preventDefault();
    try {
      await this.#renew();
      if (item.url) open(item.url, "_blank", "noopener");
    } catch (error) {
      this.#onError(error);
    }
  }
}
