// What a screen reader is told beside what it reads by itself.

const region = document.getElementById("said");

/** Say one sentence; a later one replaces an earlier. */
export function announce(text) {
  // Set in two steps, or the same sentence twice would be said once.
  region.textContent = "";
  requestAnimationFrame(() => { region.textContent = text; });
}
