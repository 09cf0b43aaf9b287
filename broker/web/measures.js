// Bytes and seconds as people read them.

const UNITS = ["bytes", "kB", "MB", "GB"];

/** `8.4 MB`: powers of 1000, as file managers and S3's bills count. */
export function bytes(count) {
  let unit = 0;
  for (; count >= 999.5 && unit < UNITS.length - 1; unit++) count /= 1000;
  const digits = unit > 0 && count < 9.95 ? 1 : 0;
  return `${count.toFixed(digits)} ${UNITS[unit]}`;
}

/** `about 14 s left`; nothing where it cannot be said. */
export function timeLeft(seconds) {
  if (!Number.isFinite(seconds)) return "";
  if (seconds < 60) return `about ${Math.max(1, Math.ceil(seconds))} s left`;
  if (seconds < 5400) return `about ${Math.round(seconds / 60)} min left`;
  return `about ${Math.round(seconds / 3600)} h left`;
}

export function percent(share) {
  return `${Math.min(100, Math.floor(share * 100))} %`;
}

export function counted(number, one, many) {
  return `${number} ${number === 1 ? one : many}`;
}
