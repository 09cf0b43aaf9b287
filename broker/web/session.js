// Who is signed in, and the API as they see it.
import { BrokerError } from "./client/broker.js";
import { askForToken } from "./dialogs.js";

const KEPT = "upload-broker-token";

/** A user's session: `user` is their id; `token()` is what the browser client asks. */
export class Session {
  #token = null; #dev = false; #asking = null;

  /** Sign in: with `broker dev`'s token by itself, elsewhere with what the user gives. */
  static async open() {
    const session = new Session();
    await session.token();
    return session;
  }

  get user() {
    return Number(claimsOf(this.#token)?.sub);
  }

  /** Give a token that has not expired; the user is asked once, however many wait for it. */
  token() {
    this.#asking ??= this.#find().finally(() => { this.#asking = null; });
    return this.#asking;
  }

  async #find() {
    if (alive(this.#token)) return this.#token;
    const answer = await fetch("/dev/token").catch(() => null);
    this.#dev = answer?.ok ?? this.#dev;
    if (answer?.ok) this.#token = (await answer.json()).token;
    else if (!alive(this.#token = sessionStorage.getItem(KEPT))) await this.#ask();
    return this.#token;
  }

  async #ask(why = this.#token && "Your sign-in has ended. Paste a fresh token; uploads go on with it.") {
    do {
      this.#token = await askForToken(why);
      why = "That is no token, or it has expired. Paste another.";
    } while (!alive(this.#token));
    sessionStorage.setItem(KEPT, this.#token);
  }

  /** Forget a token that the broker has refused. */
  forget() {
    sessionStorage.removeItem(KEPT);
    this.#token = null;
  }

  /** Ask the API; raises BrokerError. */
  async api(method, path, body) {
    const headers = { Authorization: `Bearer ${await this.token()}` };
    if (body !== undefined) headers["Content-Type"] = "application/json";
    let answer;
    try {
      answer = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
    } catch (cause) {
      throw new BrokerError("network", "No answer from the broker.", { cause });
    }
    if (answer.ok) return answer.status === 204 ? null : await answer.json();
    const problem = await answer.json().catch(() => ({}));
    if (answer.status === 401) this.forget();
    throw new BrokerError(problem.code ?? "http_error", problem.detail ?? `The answer was ${answer.status}.`, {
      status: answer.status, errors: problem.errors ?? null,
    });
  }
}

function claimsOf(token) {
  try {
    return JSON.parse(atob(token.split(".")[1].replace(/-/g, "+").replace(/_/g, "/")));
  } catch {
    return null;
  }
}

/** Whether it looks like a token of a user with time left; the broker alone can verify it. */
function alive(token) {
  const claims = token && claimsOf(token);
  return Boolean(claims) && /^[1-9][0-9]*$/.test(claims.sub) && claims.exp * 1000 > Date.now();
}
