// The progress of all uploads together: number, bytes, speed, time left.
import { announce } from "./announce.js";
import { bytes, counted, timeLeft } from "./format.js";

const byId = (id) => document.getElementById(id);
const SPEED_WINDOW_MS = 6_000; // speed is measured over this time
const UPDATE_EVERY_MS = 500;

/** The progress bar at the bottom, shown while something is being uploaded. */
export class Meter {
  #run = new Set(); // photos added since the last time that no upload was running
  #samples = []; #timer = null; #quarter = 0;

  constructor() {
    byId("meter-pause").addEventListener("click", () => this.#pauseOrResume());
    byId("meter-cancel").addEventListener("click", () => {
      for (const photo of this.#active()) photo.cancel();
    });
  }

  get busy() { return this.#active().length > 0; }

  /** Include the photos that are being uploaded now. */
  follow(photos) {
    for (const photo of photos) if (photo.upload && photo.file) this.#run.add(photo);
    if (this.busy) this.#timer ??= setInterval(() => this.#show(), UPDATE_EVERY_MS);
    this.#show();
  }

  /** Return the photos that this tab still has to send. The broker processes the others by itself. */
  #active() { return [...this.#run].filter((photo) => photo.upload && photo.phase !== "processing"); }

  #pauseOrResume() {
    const active = this.#active();
    const paused = active.every((photo) => photo.phase === "paused");
    for (const photo of active) paused ? photo.upload.resume() : photo.upload.pause();
    this.#show();
  }

  #show() {
    const active = this.#active();
    const hadFocus = byId("meter").contains(document.activeElement);
    byId("meter").hidden = !active.length;
    if (hadFocus && !active.length) byId("choose").focus();
    if (!active.length) return this.#end();
    const photos = [...this.#run].filter((photo) => photo.upload || photo.image);
    const total = photos.reduce((sum, photo) => sum + photo.file.size, 0);
    const sent = photos.reduce((sum, photo) => sum + (photo.image ? photo.file.size : photo.sent), 0);
    const done = photos.filter(hasArrived).length;
    const paused = active.every((photo) => photo.phase === "paused");
    byId("meter-bar").value = total ? sent / total : 0;
    const arrived = `${bytes(sent)} of ${bytes(total)}`.replaceAll(" ", "\u00a0"); // keep the numbers on one line
    byId("meter-count").textContent = `${done} of ${counted(photos.length, "photo", "photos")} · ${arrived}`;
    byId("meter-speed").textContent = this.#speed(active, sent, total, paused);
    byId("meter-pause").textContent = paused ? "Resume all" : "Pause all";
    const quarter = Math.floor((4 * done) / photos.length);
    if (quarter > this.#quarter) announce(`${done} of ${photos.length} photos uploaded.`);
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
    if (!(speed > 0)) return active.some((photo) => photo.phase === "hashing") ? "Checking files" : "Preparing";
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
    const done = [...this.#run].filter(hasArrived).length;
    const failed = [...this.#run].filter((photo) => photo.error).length;
    if (done || failed) {
      announce(`${counted(done, "photo", "photos")} uploaded.${failed ? ` ${failed} failed.` : ""}`);
    }
    this.#run.clear();
  }
}

function hasArrived(photo) {
  return photo.image || photo.phase === "processing";
}
