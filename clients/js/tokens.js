// The page's tokens: one for each owner. A token is used until the broker refuses it.
import { BrokerError } from "./errors.js";
import { ownerAt } from "./owners.js";

/** The tokens of one Broker. A token is kept by its owner's path; null stands for requests about no owner. */
export class Tokens {
  #token; #kept = new Map();

  constructor(token) {
    this.#token = token;
  }

  /** Return a promise of the owner's token, or of null if the page has none. */
  of(path) {
    const kept = this.#keptOf(path);
    kept.bearer ??= this.#ask(path, kept);
    return kept.bearer;
  }

  /** Drop a token that was refused. Returns whether the page can be asked for another one. */
  refuse(path, bearer, token) {
    if (typeof this.#token !== "function") return false;
    const kept = this.#keptOf(path);
    // Otherwise another request has already done this.
    if (kept.bearer === bearer) Object.assign(kept, { bearer: null, token: null, refused: token });
    return true;
  }

  /** Return a value that is the same for all owners whose requests may be sent as one. */
  groupOf(path) {
    return typeof this.#token === "function" ? this.#keptOf(path).token ?? path : null;
  }

  #keptOf(path) {
    if (!this.#kept.has(path)) this.#kept.set(path, { bearer: null, token: null, refused: null });
    return this.#kept.get(path);
  }

  #ask(path, kept) {
    const asked = this.#call(path, kept);
    asked.then((token) => { kept.token = token; }, () => {
      kept.bearer = null; // the next request asks the page for a token again
    });
    return asked;
  }

  async #call(path, { refused }) {
    if (typeof this.#token !== "function") return this.#token ?? null;
    const { profile, owner } = path === null ? {} : ownerAt(path);
    const about = path === null ? {} : { profile, owner };
    let token;
    try {
      token = (await this.#token(refused === null ? about : { ...about, refused })) ?? null;
    } catch (error) {
      if (error instanceof BrokerError) throw error;
      throw new BrokerError("token_failed", `The page's \`token\` function failed: ${error?.message ?? error}`, { cause: error });
    }
    if (token !== null && typeof token !== "string") {
      throw new BrokerError("token_failed", "The page's `token` function did not return a text.");
    }
    return token;
  }
}
