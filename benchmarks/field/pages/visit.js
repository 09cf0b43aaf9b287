// What a page reports: when the files were chosen, when each was recorded, and when each was ready.
export const input = document.querySelector("input");
const now = () => performance.timeOrigin + performance.now();

globalThis.visit = { chosen: null, recorded: [], ready: [], failed: [], phases: [] };
globalThis.visit.ended = new Promise((resolve) => { globalThis.visit.end = resolve; });

export function chosen() { visit.chosen = now(); }
export function recorded() { visit.recorded.push(now()); }
export function ready() { visit.ready.push(now()); }
export function failed(why) { visit.failed.push(String(why)); }
export function ended() { visit.end({ ...visit, ended: undefined, end: undefined }); }
