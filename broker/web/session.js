// The signed-in user: the marketplace's token, stored as long as the tab is open.
import { Broker, BrokerError } from "./client/broker.js";
import { askForToken } from "./dialogs.js";
import { showError } from "./error-notice.js";

const STORAGE_KEY = "upload-broker-token";
const TIMEOUT_MS = 15_000;
const WRONG = "This isn't a valid token. Paste another one.";
const REFUSED = "The server didn't accept this token. Paste another one.";
const EXPIRED = "Your session has expired. Paste a new token to continue your uploads.";
const OTHER_USER = "This token belongs to another user. To sign in as another user, reload the page.";

/** A session: the user's id, and `token()` for the browser client. */
export class Session {
  user = null;
  #token = null; #refused = null; #asking = null;
  #dev = null; // whether `broker dev` provides the token; null while unknown

  /** Sign in: with `broker dev`'s token, or with a token that the user pastes. */
  static async open() {
    const session = new Session();
    await session.token();
    return session;
  }

  /** Return a token that was not refused. Several calls at the same time ask the user only once. */
  token({ refused = null } = {}) {
    if (refused) {
      this.#refused = refused;
      if (stored() === refused) store(null); // after a reload another user may sign in
    }
    this.#asking ??= this.#find().finally(() => { this.#asking = null; });
    return this.#asking;
  }

  async #find() {
    if (this.#token !== null && this.#token !== this.#refused) return this.#token;
    let token = (await this.#devToken()) ?? stored() ?? this.#token;
    for (let why; (why = await this.#faultOf(token)) !== null; ) token = await askForToken(why);
    if (!this.#dev) store(token);
    this.#token = token;
    return token;
  }

  /** Return `broker dev`'s token, or null if this is not `broker dev`. */
  async #devToken() {
    if (this.#dev === false) return null;
    try {
      const answer = await fetch("/dev/token", { signal: AbortSignal.timeout(TIMEOUT_MS) });
      if (answer.status >= 500) throw new Error(`The server answered ${answer.status}.`);
      this.#dev = answer.ok;
      return answer.ok ? (await answer.json()).token : null;
    } catch (cause) {
      // It is not known yet whether this is `broker dev`. The request that needs a token tries
      // again.
      throw new BrokerError("network", "The broker did not answer.", { cause });
    }
  }

  /** Return null if the token is this user's, otherwise the text for the user. Without a token it is empty. */
  async #faultOf(token) {
    if (token === null) return "";
    if (!claimsOf(token)) return WRONG;
    const user = token === this.#refused ? null : await userOf(token);
    if (user === null) return isExpired(token) ? EXPIRED : REFUSED;
    if ((this.user ?? user) !== user) return OTHER_USER;
    this.user = user;
    return null;
  }
}

// If the browser blocks sessionStorage, the page asks for the token again after a reload.
function stored() {
  try {
    return sessionStorage.getItem(STORAGE_KEY);
  } catch {
    return null;
  }
}

function store(token) {
  try {
    if (token === null) sessionStorage.removeItem(STORAGE_KEY);
    else sessionStorage.setItem(STORAGE_KEY, token);
  } catch {
    // the tab keeps it in memory until it is reloaded
  }
}

function claimsOf(token) {
  try {
    return JSON.parse(atob(token.split(".")[1].replace(/-/g, "+").replace(/_/g, "/")));
  } catch {
    return null;
  }
}

/** Check whether a token has probably expired. Use this only to choose a message: this machine's clock may be wrong. */
function isExpired(token) {
  return !(claimsOf(token)?.exp * 1000 > Date.now());
}

/** Return the id of the token's user, or null if the broker refuses the token. */
async function userOf(token) {
  try {
    return (await new Broker({ token }).me({ onWaiting: showError })).id;
  } catch (error) {
    if (error.status === 401) return null;
    throw error;
  }
}
