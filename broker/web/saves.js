// Changes of texts and orders, saved at the broker one after the other.

/** The changes on one board that are being saved. */
export class Saves {
  #turn = Promise.resolve(); #source; #has; #onSaved; #onError;

  /** `has(item)` checks whether the item is still on the board; `onSaved()` is called after each change. */
  constructor(source, { has, onSaved, onError }) {
    this.#source = source;
    this.#has = has;
    this.#onSaved = onSaved;
    this.#onError = onError;
  }

  /** Resolves when all changes have been sent. */
  get done() { return this.#turn; }

  add(item) {
    this.#turn = this.#turn.then(async () => {
      const body = item.unsent;
      // Not recorded yet, deleted, unchanged, or the token does not allow changes any more.
      if (!this.#has(item) || !Object.keys(body).length || !this.#source.may("update")) return;
      try {
        item.record(await this.#source.update(item.image, body));
        item.invalid(false);
        this.#onSaved();
      } catch (error) {
        if (!this.#has(item)) return;
        if (error.code === "not_found") return this.#onSaved(); // another tab deleted it
        item.invalid(Boolean(error.errors?.alt_text));
        this.#onError(error);
      }
    });
  }
}
