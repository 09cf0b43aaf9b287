// The page: a seller's listings and their photos. This file only puts its parts together.
import { Broker } from "./client/broker.js";
import { announce } from "./announce.js";
import { Avatar } from "./avatar.js";
import { Board } from "./board.js";
import { onFiles } from "./intake.js";
import { Interrupted } from "./interrupted.js";
import { Listings } from "./listings.js";
import { bytes, counted } from "./measures.js";
import { Meter } from "./meter.js";
import { Session } from "./session.js";
import { Tabs } from "./tabs.js";
import { kinds, wordsOf } from "./words.js";

const byId = (id) => document.getElementById(id);

function tell(error) {
  const { what, why } = wordsOf(error);
  byId("trouble").textContent = `${what}. ${why}`;
  byId("trouble").hidden = false;
}

async function run(session, profiles) {
  const boards = new Map();
  let board = null; // the one at hand
  const broker = new Broker({ token: () => session.token() });
  const meter = new Meter();
  const interrupted = new Interrupted(broker, tell);
  const listings = new Listings(session, { opened: open, tell });
  const avatar = new Avatar(session, broker, profiles.avatar);
  const tabs = new Tabs({ read: (id) => listings.refresh(id), boardOf: (id) => boards.get(id), tell });

  /** After any change of any board: count again; where the broker knows of it, the other tabs shall, too. */
  function told({ changed } = {}) {
    for (const one of boards.values()) meter.follow(one.photos);
    if (changed) {
      byId("trouble").hidden = true;
      tabs.changed(changed);
    }
    const count = board?.photos.filter((photo) => photo.state !== "failed").length ?? 0;
    byId("count").textContent = `${count} of ${profiles.ad_image.max_count}`;
    byId("drop").classList.toggle("small", count > 0);
  }

  function boardOf(ad) {
    if (!boards.has(ad.id)) {
      boards.set(ad.id, new Board(ad.id, { session, broker, profile: profiles.ad_image, told, tell }));
    }
    return boards.get(ad.id);
  }

  function open(ad) {
    const isKnown = ad && boards.has(ad.id);
    board = ad && boardOf(ad);
    const grid = board?.grid ?? Object.assign(document.createElement("ol"), { className: "grid" });
    document.querySelector(".grid").replaceWith(grid);
    if (isKnown) tabs.look(ad.id);
    else board?.show(ad.images);
    interrupted.show(ad?.id ?? null).catch(tell);
    told();
  }

  onFiles(async (files) => {
    try {
      const filled = boardOf(await listings.made());
      const added = filled.add(files);
      announce(`${counted(added.length, "photo", "photos")} added.`);
      await Promise.allSettled(added.map((photo) => photo.upload)); // each photo tells of its own failure
      if (added.some((photo) => photo.image)) told({ changed: filled.ad });
      await interrupted.show();
    } catch (error) {
      tell(error);
    }
  });

  const { ad_image: profile } = profiles;
  byId("files").accept = profile.content_types.join(",");
  byId("limits").textContent =
    `${kinds(profile)}, up to ${bytes(profile.max_bytes)} each and ${profile.max_count} for a listing. Pasting works, too.`;

  for (const kind of ["online", "offline"]) {
    addEventListener(kind, () => { byId("offline").hidden = navigator.onLine; });
  }
  addEventListener("beforeunload", (event) => meter.busy && event.preventDefault());
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible" && listings.current) tabs.look(listings.current.id);
  });

  try {
    await listings.load();
    await avatar.load();
    byId("app").hidden = false;
  } catch (error) {
    tell(error);
  }
}

const session = await Session.open();
const profiles = await session.api("GET", "/api/profiles/").catch(tell);
if (profiles) await run(session, profiles);
