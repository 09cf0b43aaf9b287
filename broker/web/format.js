// Format bytes and seconds for the user.

const UNITS = ["bytes", "kB", "MB", "GB"];

/** Return for example `8.4 MB`, in powers of 1000, as file managers count. */
export function bytes(count) {
  let unit = 0;
  for (; count >= 999.5 && unit < UNITS.length - 1; unit++) count /= 1000;
  const digits = unit > 0 && count < 9.95 ? 1 : 0;
  return `${count.toFixed(digits)} ${UNITS[unit]}`;
}

/** Return for example `about 14 s left`, or nothing if the time is unknown. */
export function timeLeft(seconds) {
  if (!Number.isFinite(seconds)) return "";
  if (seconds < 60) return `about ${Math.max(1, Math.ceil(seconds))} s left`;
  if (seconds < 5400) return `about ${Math.round(seconds / 60)} min left`;
  return `about ${Math.round(seconds / 3600)} h left`;
}

/** Return for example `42 %`. */
export function percent(share) {
  return `${Math.min(100, Math.floor(share * 100))} %`;
}

/** Return the number with the singular or plural noun. */
export function counted(number, one, many) {
  return `${number} ${number === 1 ? one : many}`;
}

const DAY = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium" });

/** Return the day of a time of the API, in the user's time zone: `29 Nov 2026`. */
export function day(time) {
  return DAY.format(new Date(time));
}
