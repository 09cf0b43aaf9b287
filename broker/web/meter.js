// The progress of all uploads together: number, bytes, speed, time left.
import { announce } from "./announce.js";
import { focusFiles } from "./focus.js";
import { bytes, counted, timeLeft } from "./format.js";

const byId = (id) => document.getElementById(id);
const SPEED_WINDOW_MS = 6_000; // speed is measured over this time
const UPDATE_EVERY_MS = 500;

/** The progress bar at the bottom, shown while something is being uploaded. */
export class Meter {
  #run = new Set(); // files added since the last time that no upload was running
  #samples = []; #timer = null; #quarter = 0;

  constructor() {
    byId("meter-pause").addEventListener("click", () => this.#pauseOrResume());
    byId("meter-cancel").addEventListener("click", () => {
      for (const item of this.#active()) item.cancel();
    });
  }

  get busy() { return this.#active().length > 0; }

  /** Include the files that are being uploaded now. */
  follow(items) {
    for (const item of items) if (item.upload && item.file) this.#run.add(item);
    if (this.busy) this.#timer ??= setInterval(() => this.#show(), UPDATE_EVERY_MS);
    this.#show();
  }

  /** Return the files that this tab still has to send. The broker processes the others by itself. */
  #active() { return [...this.#run].filter((item) => item.upload && item.phase !== "processing"); }

  #pauseOrResume() {
    const active = this.#active();
    const paused = active.every((item) => item.phase === "paused");
    for (const item of active) paused ? item.upload.resume() : item.upload.pause();
    this.#show();
  }

  #show() {
    const active = this.#active();
    const hadFocus = byId("meter").contains(document.activeElement);
    byId("meter").hidden = !active.length;
    if (hadFocus && !active.length) focusFiles();
    if (!active.length) return this.#end();
    const items = [...this.#run].filter((item) => item.upload || item.image);
    const total = items.reduce((sum, item) => sum + item.file.size, 0);
    const sent = items.reduce((sum, item) => sum + (item.image ? item.file.size : item.sent), 0);
    const done = items.filter(hasArrived).length;
    const paused = active.every((item) => item.phase === "paused");
    byId("meter-bar").value = total ? sent / total : 0;
    const arrived = `${bytes(sent)} of ${bytes(total)}`.replaceAll(" ", "\u00a0"); // keep the numbers on one line
    byId("meter-count").textContent = `${done} of ${numbered(items)} · ${arrived}`;
    byId("meter-speed").textContent = this.#speed(active, sent, total, paused);
    byId("meter-pause").textContent = paused ? "Resume all" : "Pause all";
    const quarter = Math.floor((4 * done) / items.length);
    if (quarter > this.#quarter) announce(`${done} of ${numbered(items)} uploaded.`);
    this.#quarter = quarter;
  }

  #speed(active, sent, total, paused) {
    const now = performance.now();
    if (paused) return this.#forgetSpeed("Paused");
    if (!navigator.onLine) return this.#forgetSpeed("Waiting for the network");
    if (this.#samples.at(-1)?.sent > sent) this.#samples = []; // some bytes are sent again
    this.#samples.push({ now, sent });
    this.#samples = this.#samples.filter((sample) => now - sample.now <= SPEED_WINDOW_MS);
    const [first] = this.#samples;
    const speed = (sent - first.sent) / ((now - first.now) / 1000);
    if (!(speed > 0)) return active.some((item) => item.phase === "hashing") ? "Checking files" : "Preparing";
    return `${bytes(speed)}/s · ${timeLeft((total - sent) / speed)}`;
  }

  #forgetSpeed(text) {
    this.#samples = [];
    return text;
  }

  #end() {
    clearInterval(this.#timer);
    this.#timer = null;
    this.#samples = [];
    this.#quarter = 0;
    const done = [...this.#run].filter(hasArrived);
    const failed = [...this.#run].filter((item) => item.error).length;
    if (done.length || failed) {
      announce(`${numbered(done.length ? done : [...this.#run], done.length)} uploaded.${failed ? ` ${failed} failed.` : ""}`);
    }
    this.#run.clear();
  }
}

function hasArrived(item) {
  return item.image || item.phase === "processing";
}

/** Return the number of files, named as their boards name them: `3 photos`. */
function numbered(items, number = items.length) {
  const nouns = new Set(items.map((item) => item.on.noun));
  const noun = nouns.size === 1 ? [...nouns][0] : "file";
  return counted(number, noun, `${noun}s`);
}
