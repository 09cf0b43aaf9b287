// Values that are stored as long as the tab is open.

/** Return a stored value, or null. If the browser blocks sessionStorage, nothing survives a reload. */
export function stored(key) {
  try {
    return sessionStorage.getItem(key);
  } catch {
    return null;
  }
}

/** Store a value; null removes it. */
export function store(key, value) {
  try {
    if (value === null) sessionStorage.removeItem(key);
    else sessionStorage.setItem(key, value);
  } catch {
    // the page keeps it in memory until it is reloaded
  }
}
