// What a page reports: when the files were chosen, when each was recorded, and when each was ready.
export const input = document.querySelector("input");
const now = () => performance.timeOrigin + performance.now();

const visit = { chosen: null, recorded: [], ready: [], failed: [] };
let allRecorded, end;
globalThis.visit = visit;
globalThis.allRecorded = new Promise((resolve) => { allRecorded = resolve; });
globalThis.ended = new Promise((resolve) => { end = resolve; });

export function chosen() { visit.chosen = now(); }
export function recorded() {
  if (visit.recorded.push(now()) === input.files.length) allRecorded();
}
export function ready() { visit.ready.push(now()); }
export function failed(why) { visit.failed.push(String(why)); }
export function ended() {
  allRecorded();
  end(visit);
}
