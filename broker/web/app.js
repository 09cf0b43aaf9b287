// The page: a seller's listings and their photos. This module only connects the others.
import { Broker } from "./client/broker.js";
import { announce } from "./announce.js";
import { Avatar } from "./avatar.js";
import { Board } from "./board.js";
import { hideError, showError } from "./error-notice.js";
import { acceptOf } from "./files.js";
import { bytes, counted } from "./format.js";
import { onFiles } from "./intake.js";
import { Interrupted } from "./interrupted.js";
import { Listings } from "./listings.js";
import { typeNames } from "./messages.js";
import { Meter } from "./meter.js";
import { Session } from "./session.js";
import { Tabs } from "./tabs.js";

const byId = (id) => document.getElementById(id);

async function run(session, broker, profiles) {
  const boards = new Map();
  let board = null; // the board of the open listing
  const waiting = []; // files whose listing is being created
  const meter = new Meter();
  const interrupted = new Interrupted(broker, { shown: () => board?.files ?? [], onError: showError });
  const listings = new Listings(broker, { onOpen: open, onChange: (id) => update({ changed: id }), onError: showError });
  const tabs = new Tabs({ read: (id) => listings.refresh(id), boardOf: (id) => boards.get(id), onError: showError });

  /** Update the page after a change. If a listing changed at the broker, it is `changed`, and the other tabs are informed. */
  function update({ changed } = {}) {
    for (const one of boards.values()) meter.follow(one.photos);
    if (changed) {
      hideError();
      tabs.changed(changed);
    }
    const count = board?.photos.filter((photo) => photo.state !== "failed").length ?? 0;
    const most = profiles.ad_image.max_count; // 0: no limit
    byId("count").textContent = most ? `${count} of ${most}` : String(count);
    byId("drop").classList.toggle("small", count > 0);
    interrupted.draw();
  }

  function boardOf(ad) {
    if (!boards.has(ad.id)) {
      boards.set(ad.id, new Board(ad.id, { broker, profile: profiles.ad_image, onChange: update, onError: showError }));
    }
    return boards.get(ad.id);
  }

  function open(ad) {
    const isKnown = ad && boards.has(ad.id);
    board = ad && boardOf(ad);
    const grid = board?.grid ?? Object.assign(document.createElement("ol"), { className: "grid" });
    document.querySelector(".grid").replaceWith(grid);
    if (isKnown) tabs.look(ad.id);
    else if (board) {
      board.show(ad.images);
      board.watch().catch(showError);
    }
    interrupted.show(ad?.id ?? null).catch(showError);
    update();
  }

  async function take(files) {
    waiting.push(...files);
    try {
      const filled = boardOf(await listings.ensure());
      const added = filled.add(waiting.splice(0));
      announce(`${counted(added.length, "photo", "photos")} added.`);
      await Promise.allSettled(added.map((photo) => photo.upload)); // each photo shows its own error
      if (added.some((photo) => photo.image)) update({ changed: filled.ad });
      await interrupted.show();
    } catch (error) {
      showError(error, waiting.length ? () => take([]) : null);
    }
  }

  const resend = () => {
    for (const one of boards.values()) one.saveAll();
    listings.save();
  };
  const unsent = () => listings.unsent || [...boards.values()].some((one) => one.unsent);

  addEventListener("online", resend);
  addEventListener("beforeunload", (event) => (meter.busy || waiting.length || unsent()) && event.preventDefault());
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible" && listings.current) tabs.look(listings.current.id);
  });

  const { ad_image: profile } = profiles;
  byId("files").accept = byId("shot").accept = acceptOf(profile);
  byId("limits").textContent =
    `${typeNames(profile)}, up to ${bytes(profile.max_bytes)} each, ${profile.max_count || "any number of"} photos per listing. You can also paste photos.`;
  await listings.load(session.user);
  hideError();
  byId("app").hidden = false;
  onFiles(take);
  new Avatar(session.user, broker, profiles.avatar).load().catch(showError);
}

for (const kind of ["online", "offline"]) {
  addEventListener(kind, () => {
    byId("offline").hidden = navigator.onLine;
    announce(navigator.onLine ? "Back online." : byId("offline").textContent);
  });
}

try {
  const session = await Session.open();
  const broker = new Broker({ token: (asked) => session.token(asked) });
  const profiles = await broker.request("GET", "/api/profiles/", { onWaiting: showError });
  await run(session, broker, profiles);
} catch (error) {
  showError(error, () => location.reload());
}
