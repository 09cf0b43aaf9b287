// The notice for errors that belong to no photo, with a button to try again if that can help.
import { focusFiles } from "./focus.js";
import { messageOf } from "./messages.js";

const byId = (id) => document.getElementById(id);
let retry = null;

byId("trouble-again").addEventListener("click", () => {
  const act = retry;
  hideError();
  act();
});

/** Show an error. The button calls `tryAgain`. Without `tryAgain` there is no button. */
export function showError(error, tryAgain = null) {
  const { what, why } = messageOf(error);
  retry = tryAgain;
  byId("trouble-text").textContent = `${what}. ${why}`;
  byId("trouble-again").hidden = !retry;
  byId("trouble").hidden = false;
}

/** Hide the notice: the problem is solved. */
export function hideError() {
  const hadFocus = byId("trouble").contains(document.activeElement);
  byId("trouble").hidden = true;
  if (hadFocus) focusFiles();
}
