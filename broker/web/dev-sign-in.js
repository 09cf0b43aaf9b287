// The sign-in of `broker dev`: tokens of user 1, with every action for the owners that were opened in this tab.
import { BrokerError } from "./client/broker.js";
import { store, stored } from "./tab-storage.js";

const STORAGE_KEY = "upload-broker-dev-owners";
const MAX_OWNERS = 20;
const TIMEOUT_MS = 15_000;

/** The sign-in. `isOn` says whether this is `broker dev`; null while unknown. */
export class DevSignIn {
  isOn = null;
  #owners = (stored(STORAGE_KEY) ?? "").split(" ").filter(Boolean);

  /** Grant one more owner in the tokens from now on. */
  add(key) {
    this.#keep([...this.#owners.filter((one) => one !== key), key].slice(-MAX_OWNERS));
  }

  /** Return a token, or null if this is not `broker dev`. */
  async token() {
    if (this.isOn === false) return null;
    try {
      let answer = await ask(this.#owners);
      if (answer.status === 422) {
        this.#keep([]); // the file of profiles has changed since
        answer = await ask([]);
      }
      if (answer.status >= 500) throw new Error(`The server answered ${answer.status}.`);
      this.isOn = answer.ok;
      return answer.ok ? (await answer.json()).token : null;
    } catch (cause) {
      // It is not known yet whether this is `broker dev`. The request that needs a token tries
      // again.
      throw new BrokerError("network", "The broker did not answer.", { cause });
    }
  }

  #keep(owners) {
    this.#owners = owners;
    store(STORAGE_KEY, owners.join(" ") || null);
  }
}

async function ask(owners) {
  const query = String(new URLSearchParams(owners.map((key) => ["owner", key])));
  return await fetch(`/dev/token${query && `?${query}`}`, { signal: AbortSignal.timeout(TIMEOUT_MS) });
}
