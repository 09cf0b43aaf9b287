// The form of `broker dev` that opens any owner: the dev sign-in signs a token that grants it.
import { hasIntegers, isGrantable } from "./grants.js";
import { wordOf } from "./owner-names.js";

const byId = (id) => document.getElementById(id);

/** Show the form. `open(key)` opens the owner `profile/owner`. */
export function offerOwners(profiles, { open, onError }) {
  const byToken = Object.keys(profiles).filter((name) => profiles[name].owners === "token");
  byId("dev-owner").hidden = !byToken.length;
  byId("dev-profile").replaceChildren(...byToken.map((name) => new Option(wordOf(name), name)));
  byId("dev-owner").addEventListener("submit", async (event) => {
    event.preventDefault();
    const profile = byId("dev-profile").value;
    const key = `${profile}/${byId("dev-name").value.trim()}`;
    if (!isGrantable(key, profiles)) {
      byId("dev-hint").textContent = hasIntegers(profile) ? "Enter a number." : "Use up to 64 letters, digits, _ and -.";
      byId("dev-name").setAttribute("aria-invalid", "true");
      return byId("dev-name").focus();
    }
    byId("dev-hint").textContent = "";
    byId("dev-name").removeAttribute("aria-invalid");
    try {
      await open(key);
      byId("dev-name").value = "";
    } catch (error) {
      onError(error);
    }
  });
}
