// What went wrong and belongs to no photo: one sentence, and where it helps a button to try again.
import { wordsOf } from "./words.js";

const byId = (id) => document.getElementById(id);
let again = null;

byId("trouble-again").addEventListener("click", () => {
  const act = again;
  settled();
  act();
});

/** Show an error; `tryAgain` is what the button does. */
export function tell(error, tryAgain = null) {
  const { what, why } = wordsOf(error);
  again = tryAgain;
  byId("trouble-text").textContent = `${what}. ${why}`;
  byId("trouble-again").hidden = !again;
  byId("trouble").hidden = false;
}

/** What was wrong is so no more. */
export function settled() {
  const hadFocus = byId("trouble").contains(document.activeElement);
  byId("trouble").hidden = true;
  if (hadFocus) byId("choose").focus();
}
