// Announcements for screen readers.

const region = document.getElementById("said");

/** Announce one sentence. It replaces the previous one. */
export function announce(text) {
  // In two steps: otherwise the same sentence twice would be announced once.
  region.textContent = "";
  requestAnimationFrame(() => { region.textContent = text; });
}
