// One file on a board: being uploaded, failed or recorded. photo.js and document.js display it. Its board handles the actions.
import { firstVisible } from "./focus.js";
import { percent } from "./format.js";
import { messageOf } from "./messages.js";

const PHASES = {
  queued: () => "Queued",
  hashing: ({ loaded, total }) => `Checking ${percent(loaded / total)}`,
  sending: ({ loaded, total }) => percent(loaded / total),
  waiting: () => (navigator.onLine ? "Retrying" : "Waiting for the network"),
  confirming: () => "Finishing",
  processing: () => "Processing",
  paused: () => "Paused",
};

/** A file: `image` once it is published, `file` if it was chosen in this tab, otherwise its `name`. */
export class Item {
  image = null; upload = null; error = null;
  sent = 0; // bytes of the file that S3 has
  phase = "queued";
  #name; #cancelling = false;

  /** `on` has the board's profile, its noun, and its reactions to the buttons. */
  constructor(template, { file = null, name = null, order, on }) {
    this.#name = name;
    this.file = file;
    this.order = order;
    this.on = on;
    this.element = copyOf(template);
    for (const slot of this.element.querySelectorAll("slot")) slot.replaceWith(copyOf(slot.name));
    this.element.dataset.state = "under-way";
    const act = (selector, react) => this.part(selector).addEventListener("click", react);
    act(".pause", () => (this.phase === "paused" ? this.upload?.resume() : this.upload?.pause()));
    act(".cancel", () => this.cancel());
    act(".again", () => on.again(this));
    act(".remove", () => on.gone(this));
    act(".delete", () => on.remove(this));
  }

  part(selector) { return this.element.querySelector(selector); }

  get name() {
    return this.file?.name || this.image?.file_name || this.image?.image.split("/").pop() || this.#name || `Pasted ${this.on.noun}`;
  }

  get state() { return this.element.dataset.state; }
  get hasFocus() { return this.element.contains(document.activeElement); }
  /** Return the changes to a recorded file that are not saved at the broker. */
  get unsent() { return {}; }
  /** Return the button that gets the focus when the focused one disappears. */
  get handle() { return firstVisible(this.part(".delete")); }

  /** Follow an upload until it ends. Returns whether there is an image. */
  async follow(upload) {
    this.upload = upload;
    this.error = null;
    this.#cancelling = false;
    this.become("under-way", () => this.handle);
    try {
      this.record(await upload);
      return true;
    } catch (error) {
      this.upload = null;
      if (error.code === "aborted") this.on.gone(this);
      else this.fail(error);
      return false;
    }
  }

  progress({ phase, loaded, total }) {
    this.phase = phase;
    if (this.#cancelling) return;
    if (phase === "sending") this.sent = loaded;
    if (["confirming", "processing", "done"].includes(phase)) this.sent = total;
    if (phase === "hashing") this.sent = 0;
    const textOf = PHASES[phase];
    if (!textOf) return;
    this.part(".phase").textContent = textOf({ loaded, total });
    this.part(".under-way progress").value = this.sent / total;
    this.element.toggleAttribute("data-processing", phase === "processing");
    const pause = this.part(".pause");
    if (phase === "processing" && pause === document.activeElement) this.part(".cancel").focus();
    pause.hidden = phase === "processing"; // nothing is sent any more
    pause.querySelector("use").setAttribute("href", phase === "paused" ? "#play" : "#pause");
    pause.setAttribute("aria-label", `${phase === "paused" ? "Resume" : "Pause"} ${this.name}`);
  }

  /** Show a recorded file, perhaps changed by another tab. */
  record(image) {
    this.image = image;
    this.upload = null;
    this.phase = "done";
    this.become("recorded", () => this.handle);
    this.label();
  }

  /** Change the state. If this hides the focused element, move the focus to `next()`. */
  become(state, next) {
    const hadFocus = [".under-way", ".failure"].some((part) => this.part(part).contains(document.activeElement));
    const was = this.state;
    this.element.dataset.state = state;
    this.part(".failure").hidden = state !== "failed";
    if (hadFocus && was !== state) next().focus();
  }

  fail(error) {
    this.error = error;
    this.phase = "failed";
    const { what, why, again } = messageOf(error, this.on.profile);
    this.part(".file").textContent = this.part(".file").title = this.name;
    this.part(".fault").textContent = what;
    this.part(".why").textContent = why;
    this.part(".again").hidden = !again;
    this.become("failed", () => this.part(again ? ".again" : ".remove"));
    this.label();
  }

  /** Update the labels after the name or the state has changed. */
  label() {
    const { name } = this;
    this.part(".under-way progress").setAttribute("aria-label", `Upload of ${name}`);
    for (const [selector, label] of [
      [".delete", `Delete ${name}`], [".cancel", `Cancel ${name}`], [".pause", `Pause ${name}`],
      [".again", `Try again: ${name}`], [".remove", `Remove ${name}`],
    ]) this.part(selector).setAttribute("aria-label", label);
  }

  cancel() {
    if (!this.upload || this.#cancelling) return;
    this.#cancelling = true;
    this.part(".phase").textContent = "Cancelling";
    this.upload.cancel().catch(() => {}); // `follow` handles the error
  }
}

function copyOf(template) {
  return document.getElementById(template).content.firstElementChild.cloneNode(true);
}
