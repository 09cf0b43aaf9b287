// The signed-in user: the marketplace's token, stored as long as the tab is open.
import { Broker } from "./client/broker.js";
import { DevSignIn } from "./dev-sign-in.js";
import { askForToken } from "./dialogs.js";
import { showError } from "./error-notice.js";
import { store, stored } from "./tab-storage.js";

const STORAGE_KEY = "upload-broker-token";
const WRONG = "This isn't a valid token. Paste another one.";
const REFUSED = "The server didn't accept this token. Paste another one.";
const EXPIRED = "Your session has expired. Paste a new token to continue your uploads.";
const OTHER_USER = "This token belongs to another user. To sign in as another user, reload the page.";

/** A session: the user's id, `token()` for the browser client, and the claims of the token. */
export class Session {
  user = null;
  onToken = () => {}; // called after each new token
  #token = null; #refused = null; #asking = null;
  #dev = new DevSignIn();

  /** Sign in: with `broker dev`'s token, or with a token that the user pastes. */
  static async open() {
    const session = new Session();
    await session.token();
    return session;
  }

  /** Return the token's claims. The broker has accepted the token; the page does not verify it. */
  get claims() { return claimsOf(this.#token) ?? {}; }
  /** Check whether `broker dev` provides the tokens. */
  get isDev() { return this.#dev.isOn === true; }

  /** Return a token that was not refused. Several calls at the same time ask the user only once. */
  token({ refused = null } = {}) {
    if (refused) {
      this.#refused = refused;
      if (stored(STORAGE_KEY) === refused) store(STORAGE_KEY, null); // after a reload another user may sign in
    }
    this.#asking ??= this.#find().finally(() => { this.#asking = null; });
    return this.#asking;
  }

  /** Get a token of `broker dev` that grants one more owner. */
  async grant(key) {
    await this.#asking?.catch(() => {}); // its token will not grant the owner
    this.#dev.add(key);
    this.#token = null;
    await this.token();
  }

  /** Forget the token, and ask for another one. */
  leave() {
    store(STORAGE_KEY, null);
    location.reload();
  }

  async #find() {
    if (this.#token !== null && this.#token !== this.#refused) return this.#token;
    let token = (await this.#dev.token()) ?? stored(STORAGE_KEY) ?? this.#token;
    for (let why; (why = await this.#faultOf(token)) !== null; ) token = await askForToken(why);
    if (!this.isDev) store(STORAGE_KEY, token);
    this.#token = token;
    this.onToken();
    return token;
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
