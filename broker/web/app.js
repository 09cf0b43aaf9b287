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
import { kinds, wordsOf } from "./words.js";

const byId = (id) => document.getElementById(id);
const channel = new BroadcastChannel("upload-broker-page"); // to the user's other tabs
const boards = new Map();
let board = null; // the one at hand

function tell(error) {
  const { what, why } = wordsOf(error);
  byId("trouble").textContent = `${what}. ${why}`;
  byId("trouble").hidden = false;
}

const session = await Session.open();
const broker = new Broker({ token: () => session.token() });
const profiles = await session.api("GET", "/api/profiles/").catch((error) => {
  tell(error);
  throw error;
});
const meter = new Meter();
const interrupted = new Interrupted(broker, tell);
const listings = new Listings(session, { opened: open, tell });
const avatar = new Avatar(session, broker, profiles.avatar);

/** After any change of any board: count again, and tell the other tabs what they should read again. */
function told({ changed } = {}) {
  if (changed) byId("trouble").hidden = true;
  for (const one of boards.values()) meter.follow(one.photos);
  if (changed) {
    channel.postMessage({ listing: changed });
    listings.refresh(changed).catch(tell);
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
  board = ad && boardOf(ad);
  const grid = board?.grid ?? Object.assign(document.createElement("ol"), { className: "grid" });
  document.querySelector(".grid").replaceWith(grid);
  if (board) board.show(ad.images);
  if (ad) refresh(ad.id);
  interrupted.show(ad?.id ?? null);
  told();
}

async function refresh(id) {
  try {
    boards.get(id)?.show((await listings.refresh(id)).images);
  } catch (error) {
    tell(error);
  }
}

onFiles(async (files) => {
  try {
    const added = boardOf(await listings.made()).add(files);
    announce(`${counted(added.length, "photo", "photos")} added.`);
    const ends = added.map((photo) => photo.upload.catch(() => {})); // the photo itself tells of a failure
    await Promise.all(ends);
    if (added.some((photo) => photo.image)) told({ changed: board.ad });
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
  if (document.visibilityState === "visible" && listings.current) refresh(listings.current.id);
});
channel.addEventListener("message", ({ data }) => refresh(data.listing));

try {
  await listings.load();
  await avatar.load();
  byId("app").hidden = false;
} catch (error) {
  tell(error);
}
