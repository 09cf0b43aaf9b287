// The profile photo: shown in the header, changed in its dialog.
import { Crop } from "./crop.js";
import { acceptOf } from "./files.js";
import { messageOf } from "./messages.js";
import { urlFor } from "./picture.js";
import { typeNames } from "./type-names.js";

const byId = (id) => document.getElementById(id);
const STAGE = 640, FACE = 64; // pixels, twice the displayed width
const HINT = "Drag the photo or use the arrow keys to move it.";

/** The signed-in user's profile photo. */
export class Avatar {
  #user; #broker; #profile; #crop; #url = null;

  constructor(user, broker, profile) {
    this.#user = user;
    this.#broker = broker;
    this.#profile = profile;
    this.#crop = new Crop(byId("crop"), [...document.querySelectorAll("#avatar .round")], byId("zoom"));
    byId("avatar-file").accept = acceptOf(profile);
    byId("account").addEventListener("click", () => this.#open());
    byId("avatar-close").addEventListener("click", () => byId("avatar").close());
    byId("avatar-choose").addEventListener("click", () => byId("avatar-file").click());
    byId("avatar-file").addEventListener("change", ({ target }) => {
      const [file] = target.files;
      target.value = "";
      if (file) this.#choose(file);
    });
    byId("avatar-save").addEventListener("click", () => this.#save());
    byId("avatar-remove").addEventListener("click", () => this.#remove());
  }

  async load() {
    this.#show(await this.#broker.request("GET", `/api/users/${this.#user}/`));
  }

  #show(user) {
    const avatar = user.avatar_url && { ...user.avatar_image, image_url: user.avatar_url };
    this.#url = avatar && urlFor(avatar, STAGE);
    byId("account").hidden = false;
    byId("account-name").textContent = user.name || "Profile photo";
    byId("account").setAttribute("aria-label", `Profile photo${user.name ? ` of ${user.name}` : ""}`);
    byId("face").hidden = !this.#url;
    byId("face").nextElementSibling.toggleAttribute("hidden", Boolean(this.#url));
    if (avatar) byId("face").src = urlFor(avatar, FACE);
    byId("avatar-remove").hidden = !this.#url;
  }

  #open() {
    this.#showState("");
    byId("crop-hint").textContent = "Choose a photo to start.";
    byId("avatar-save").hidden = true;
    byId("zoom").disabled = true;
    this.#crop.show(this.#url);
    byId("avatar").showModal();
  }

  async #choose(file) {
    try {
      await this.#crop.open(file);
    } catch {
      return this.#showState(`This browser can't open the file. Choose a ${typeNames(this.#profile)} file.`, true);
    }
    byId("crop-hint").textContent = HINT;
    byId("avatar-save").hidden = byId("zoom").disabled = false;
    this.#showState("");
    byId("crop").focus();
  }

  async #save() {
    const bar = byId("avatar-bar");
    byId("avatar-save").disabled = true;
    bar.hidden = false;
    try {
      const onProgress = ({ phase, loaded, total }) => {
        if (phase === "processing") bar.removeAttribute("value"); // no end is known
        else bar.value = loaded / total;
      };
      await this.#broker.upload(await this.#crop.file(), { user: this.#user, onProgress });
      await this.load();
      byId("avatar-save").hidden = true;
      byId("avatar-close").focus();
      this.#showState("Saved. This is how others see you.");
    } catch (error) {
      const { what, why } = messageOf(error, this.#profile);
      this.#showState(`${what}. ${why}`, true);
    } finally {
      byId("avatar-save").disabled = false;
      bar.hidden = true;
    }
  }

  async #remove() {
    try {
      this.#show(await this.#broker.request("PATCH", `/api/users/${this.#user}/`, { body: { avatar: null } }));
      await this.#crop.show(null);
      byId("avatar-choose").focus();
      this.#showState("Removed.");
    } catch (error) {
      const { what, why } = messageOf(error, this.#profile);
      this.#showState(`${what}. ${why}`, true);
    }
  }

  #showState(text, wrong = false) {
    byId("avatar-state").textContent = text;
    byId("avatar-state").classList.toggle("wrong", wrong);
  }
}
