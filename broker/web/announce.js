// Announcements for screen readers.

const region = document.getElementById("said");

/** Announce one sentence. It replaces the previous one. */
export function announce(text) {
  // In two steps, because otherwise a repeated sentence would be announced only once.
  region.textContent = "";
  requestAnimationFrame(() => { region.textContent = text; });
}
