// Who is signed in: the marketplace's token, kept for as long as the tab is open.
import { BrokerError } from "./client/broker.js";
import { askForToken } from "./dialogs.js";

const KEPT = "upload-broker-token";
const TIMEOUT = 15_000; // milliseconds
const WRONG = "That is no token. Paste another.";
const REFUSED = "The broker does not take that token. Paste another.";
const ENDED = "Your sign-in has ended. Paste a fresh token; uploads go on with it.";
const SOMEBODY_ELSE = "That token is another user's. Reload the page to sign in as somebody else.";

/** A user's session: `user` is their id; `token` is what the browser client asks. */
export class Session {
  user = null;
  #token = null; #refused = null; #asking = null;
  #dev = null; // whether `broker dev` signs in by itself, once that is known

  /** Sign in: with `broker dev`'s token by itself, elsewhere with what the user gives. */
  static async open() {
    const session = new Session();
    await session.token();
    return session;
  }

  /** Give a token that was not refused; the user is asked once, however many wait for it. */
  token({ refused = null } = {}) {
    if (refused) {
      this.#refused = refused;
      if (kept() === refused) keep(null); // after a reload somebody else may sign in
    }
    this.#asking ??= this.#find().finally(() => { this.#asking = null; });
    return this.#asking;
  }

  async #find() {
    if (this.#usable(this.#token)) return this.#token;
    let why = null;
    if (this.#token !== null) why = isOver(this.#token) ? ENDED : REFUSED;
    this.#token = (await this.#ofDev()) ?? kept();
    while (!this.#usable(this.#token)) {
      this.#token = await askForToken(why);
      why = this.user && this.user !== userOf(this.#token) && userOf(this.#token) ? SOMEBODY_ELSE : WRONG;
    }
    if (!this.#dev) keep(this.#token);
    this.user = userOf(this.#token);
    return this.#token;
  }

  /** Give `broker dev`'s token; null where there is none. */
  async #ofDev() {
    if (this.#dev === false) return null;
    try {
      const answer = await fetch("/dev/token", { signal: AbortSignal.timeout(TIMEOUT) });
      if (answer.status >= 500) throw new Error(`The answer was ${answer.status}.`);
      this.#dev = answer.ok;
      return answer.ok ? (await answer.json()).token : null;
    } catch (cause) {
      // It says nothing of who may sign in: the request that wants a token waits, and asks again.
      throw new BrokerError("network", "No answer from the broker.", { cause });
    }
  }

  /** Whether it looks like a token of this user; the broker alone can verify it, and its clock says when it ends. */
  #usable(token) {
    const user = token !== this.#refused && userOf(token);
    return Boolean(user) && (this.user ?? user) === user;
  }
}

// A browser that keeps nothing for this page has no sessionStorage: a reload asks again.
function kept() {
  try {
    return sessionStorage.getItem(KEPT);
  } catch {
    return null;
  }
}

function keep(token) {
  try {
    if (token === null) sessionStorage.removeItem(KEPT);
    else sessionStorage.setItem(KEPT, token);
  } catch {
    // the tab has it as long as it is not reloaded
  }
}

function claimsOf(token) {
  try {
    return JSON.parse(atob(token.split(".")[1].replace(/-/g, "+").replace(/_/g, "/")));
  } catch {
    return null;
  }
}

/** Whether it has probably ended; a phone's clock may be wrong, so this is for words alone. */
function isOver(token) {
  return !(claimsOf(token)?.exp * 1000 > Date.now());
}

function userOf(token) {
  const { sub } = claimsOf(token) ?? {};
  return /^[1-9][0-9]*$/.test(sub) ? Number(sub) : null;
}
