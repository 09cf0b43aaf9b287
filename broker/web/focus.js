// Where the focus goes when the focused element disappears.

/** Return the first visible element; otherwise the heading of the files. */
export function firstVisible(...elements) {
  return elements.find((one) => one?.checkVisibility({ visibilityProperty: true })) ?? document.getElementById("photos");
}

/** Focus the button that adds files, or the heading if the token does not allow that. */
export function focusFiles() {
  firstVisible(document.getElementById("choose")).focus();
}
