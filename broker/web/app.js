// The page: a seller's listings, and the owners that the token grants. This module only connects the others.
import { Broker } from "./client/broker.js";
import { announce } from "./announce.js";
import { Avatar } from "./avatar.js";
import { Boards } from "./boards.js";
import { showBoard, showState } from "./desk.js";
import { offerOwners } from "./dev-owner.js";
import { hideError, showError } from "./error-notice.js";
import { counted } from "./format.js";
import { isGrantable } from "./grants.js";
import { onFiles } from "./intake.js";
import { Interrupted } from "./interrupted.js";
import { Listings } from "./listings.js";
import { Meter } from "./meter.js";
import { nameOf } from "./owner-names.js";
import { Owners } from "./owners.js";
import { Session } from "./session.js";
import { Tabs } from "./tabs.js";

const byId = (id) => document.getElementById(id);

async function run(session, broker, profiles) {
  const hasListings = profiles.ad_image.owners === "table";
  let open = null; // `{ board, source }`; a listing that is not created yet has no board
  const waiting = []; // files whose listing is being created
  const meter = new Meter();
  const owners = new Owners(profiles, { onOpen: openOwner });
  const listings = new Listings(broker, {
    mayCreate: profiles.ad_image.users_create_owners,
    onOpen: openListing, onChange: (id) => update({ changed: id }), onError: showError,
  });
  const boards = new Boards({ broker, profiles, listings, owners, onChange: update, onError: showError });
  const interrupted = new Interrupted(broker, { shown: () => open?.board?.files ?? [], onError: showError });
  const tabs = new Tabs({ read: (key) => boards.read(key), boardOf: (key) => boards.get(key), onError: showError });

  /** Update the page after a change. If files changed at the broker, `changed` is their key, and the other tabs are informed. */
  function update({ changed } = {}) {
    meter.follow(boards.all.flatMap((one) => one.items));
    if (changed) {
      hideError();
      tabs.changed(changed);
    }
    if (open) showState(open.board, open.source);
    interrupted.draw();
  }

  /** Show a board, or the empty one of a listing that is not created yet. */
  function show(board, isKnown) {
    open = { board, source: board?.source ?? boards.draft };
    byId("empty").hidden = true;
    byId("desk").hidden = false;
    showBoard(board, open.source);
    if (board && !isKnown) board.watch().catch(showError);
    interrupted.show(board && open.source.may("create") ? open.source.ids : null).catch(showError);
    update();
  }

  function openListing(ad) {
    owners.leave();
    const isKnown = ad && boards.get(ad.id);
    const board = ad && boards.ofListing(ad.id);
    if (board && !isKnown) board.show(ad.images);
    show(board, isKnown);
    if (isKnown) tabs.look(ad.id);
  }

  function openOwner(owner) {
    listings.leave();
    const isKnown = boards.get(owner.key);
    show(boards.ofOwner(owner), isKnown);
    tabs.look(owner.key);
    announce(`${nameOf(owner)} is open.`);
  }

  async function take(files) {
    if (!open) return;
    const { board, source: { key, noun, may } } = open;
    if (!board) waiting.push(...files);
    else if (!may("create")) return;
    try {
      const filled = board ?? boards.ofListing((await listings.ensure()).id);
      const added = filled.add(board ? files : waiting.splice(0));
      announce(`${counted(added.length, noun, `${noun}s`)} added.`);
      await Promise.allSettled(added.map((item) => item.upload)); // each item shows its own error
      if (added.some((item) => item.image)) update({ changed: filled.source.key });
      await interrupted.show();
    } catch (error) {
      showError(error, waiting.length ? () => take([]) : null);
    }
  }

  const resend = () => {
    for (const one of boards.all) one.saveAll();
    if (hasListings) listings.save();
  };
  const unsent = () => listings.unsent || boards.all.some((one) => one.unsent);

  addEventListener("online", resend);
  addEventListener("beforeunload", (event) => (meter.busy || waiting.length || unsent()) && event.preventDefault());
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible" && open?.board) tabs.look(open.source.key);
  });
  byId("more").addEventListener("click", () => {
    open.source.more();
    tabs.look(open.source.key);
  });
  byId("other-token").addEventListener("click", () => session.leave());
  session.onToken = () => {
    owners.show(session.claims);
    // The new token may allow other actions.
    for (const one of boards.all) one.changed();
    if (open?.board) tabs.look(open.source.key);
  };

  owners.show(session.claims);
  byId("your-listings").hidden = !hasListings;
  byId("other-token").hidden = session.isDev;
  const openAsDeveloper = async (key) => {
    await session.grant(key);
    owners.open(key);
  };
  if (session.isDev) offerOwners(profiles, { open: openAsDeveloper, onError: showError });
  const wanted = new URLSearchParams(location.hash.slice(1)).get("owner");
  if (wanted !== null && session.isDev && isGrantable(wanted, profiles)) await session.grant(wanted);
  const isOpened = wanted !== null && owners.open(wanted);
  if (hasListings) await listings.load(session.user, { open: !isOpened });
  else if (!isOpened && owners.keys.length) owners.open(owners.keys[0]);
  byId("empty").hidden = Boolean(open);
  hideError();
  byId("app").hidden = false;
  onFiles(take, () => open?.source.may("create") ?? false);
  if (profiles.avatar.owners === "table") new Avatar(session.user, broker, profiles.avatar).load().catch(showError);
}

byId("loading").remove(); // all modules have arrived

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
