// Tokens of owners: the page's function is called once for each owner, and never in a loop.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Broker } from "../../../clients/js/broker.js";
import { IMAGE, PROFILE, TICKET, answers, gate, refused, storage } from "./answers.js";

const product = (owner) => ({ profile: "product_image", owner });
const photo = (text) => new File([text], `${text}.jpg`, { type: "image/jpeg" });
const PROFILES = [[200, { ad_image: PROFILE, product_image: PROFILE }]];
const processing = (id) => [202, { id, state: "processing" }, { "Retry-After": "0" }];
const ready = (id) => ({ id, state: "confirmed", image: { ...IMAGE, id } });
const fast = (t) => t.mock.method(globalThis, "setTimeout", (act, time) => { if (!(time >= 30_000)) setImmediate(act); });

/** A token function that returns `profile/owner#count`, and the list of its calls. */
function session() {
  const calls = [];
  return { calls, token: async (asked) => `${asked.profile}/${asked.owner}#${calls.push(asked)}` };
}

test("an upload in parts asks the page for one token, and sends it with every request about the owner", async (t) => {
  fast(t);
  t.mock.method(globalThis, "fetch", async () => new Response(null, { headers: { ETag: '"1"' } }));
  const parts = ({ body }) => [200, { ...TICKET, parts: JSON.parse(body).parts.map((one) => ({ ...one, url: "data:,", headers: {} })) }];
  const { fetch, asked } = answers({
    "GET /api/profiles/": PROFILES, "POST /api/owners/product_image/42/uploads/": [[201, { ...TICKET, upload: { method: "MULTIPART" } }]],
    "GET /api/uploads/u1/parts/": [[200, { missing: [1, 2, 3, 4, 5, 6, 7, 8], part_size: 1, size: 8 }]], "POST /api/uploads/u1/parts/": [parts],
    "POST /api/uploads/u1/complete/": [processing("u1")], "GET /api/uploads/?ids=u1": [[200, { uploads: [ready("u1")] }]],
  });
  const { calls, token } = session();
  const broker = new Broker({ fetch, storage: storage(), token });
  assert.equal((await broker.upload(photo("12345678"), product("42"))).id, "u1");
  assert.deepEqual(calls, [product("42")]);
  assert.deepEqual(new Set(asked.map((one) => one.token)), new Set(["Bearer product_image/42#1"]));
  assert.ok(asked.length >= 7);
});

test("each owner has a token of its own, also an ad, a user and requests about no owner", async () => {
  const { fetch, asked } = answers(Object.fromEntries(
    ["/api/users/me/", "/api/ads/7/", "/api/ads/7/images/1/", "/api/users/1/", "/api/owners/invoice/a%20b/files/", "/api/ads/", "/api/uploads/u1/"]
      .map((path) => [`GET ${path}`, [[200, {}]]])));
  const { calls, token } = session(), broker = new Broker({ fetch, storage: storage(), token });
  await broker.me();
  await broker.request("GET", "/api/ads/7/");
  await broker.request("GET", "/api/ads/7/images/1/");
  await broker.request("GET", "/api/users/1/");
  await broker.files({ profile: "invoice", owner: "a b" });
  await broker.request("GET", "/api/ads/");
  await broker.request("GET", "/api/uploads/u1/", { ad: 7 });
  assert.deepEqual(calls, [{}, { profile: "ad_image", owner: "7" }, { profile: "avatar", owner: "1" }, { profile: "invoice", owner: "a b" }]);
  assert.deepEqual(asked.map((one) => one.token.slice(-1)), ["1", "2", "2", "3", "4", "1", "2"]);
});

test("a refused token is replaced for its owner only", async () => {
  const only = (good) => [({ token }) => (token === `Bearer ${good}` ? [200, { results: [] }] : refused("token_expired", 401))];
  const path = (owner) => `GET /api/owners/product_image/${owner}/files/`;
  const { fetch } = answers({ [path("1")]: only("product_image/1#3"), [path("2")]: only("product_image/2#2") });
  const { calls, token } = session(), broker = new Broker({ fetch, storage: storage(), token });
  const first = broker.files(product("1")), second = broker.files(product("2"));
  await Promise.all([first, second]);
  await Promise.all([broker.files(product("1")), broker.files(product("2"))]);
  assert.deepEqual(calls, [product("1"), product("2"), { ...product("1"), refused: "product_image/1#1" }]);
});

test("one request asks for the uploads that have the same token, and no request mixes two tokens", async (t) => {
  fast(t);
  for (const shared of [true, false]) {
    const polled = [];
    const poll = ({ line, token }) => {
      const ids = line.split("ids=")[1].split(",");
      polled.push([token, ids]);
      return [200, { uploads: ids.map(ready) }];
    };
    const sets = ["u1", "u2", "u3", "u1,u2", "u1,u3", "u2,u3", "u1,u2,u3"].map((ids) => [`GET /api/uploads/?ids=${ids}`, [poll]]);
    const { fetch } = answers(Object.fromEntries(sets));
    const broker = new Broker({ fetch, storage: storage(), token: ({ owner }) => (shared ? "session" : `of ${owner}`) });
    await Promise.all(["1", "2"].map((owner) => broker.request("GET", "/api/uploads/u0/", product(owner)).catch(() => {}))); // the tokens are known now
    const images = [["u1", "1"], ["u2", "2"], ["u3", "1"]].map(([id, owner]) => broker.whenReady(id, product(owner)));
    assert.deepEqual((await Promise.all(images)).map((one) => one.id), ["u1", "u2", "u3"]);
    assert.deepEqual(polled, shared ? [["Bearer session", ["u1", "u2", "u3"]]] : [["Bearer of 1", ["u1", "u3"]], ["Bearer of 2", ["u2"]]]);
  }
});

test("an upload whose owner has no token does not end the wait of the others", async (t) => {
  fast(t);
  const { fetch } = answers({ "GET /api/uploads/?ids=u2": [[200, { uploads: [ready("u2")] }]] });
  const token = ({ owner }) => { if (owner === "1") throw new Error("no grant"); return "token"; };
  const broker = new Broker({ fetch, storage: storage(), token });
  const [one, other] = await Promise.allSettled([broker.whenReady("u1", product("1")), broker.whenReady("u2", product("2"))]);
  assert.deepEqual([one.reason.code, other.value.id], ["token_failed", "u2"]);
});

test("whenReady takes the owner from the stored record", async (t) => {
  fast(t);
  const { fetch } = answers({
    "GET /api/profiles/": PROFILES, "POST /api/owners/product_image/42/uploads/": [[201, TICKET]], "POST /api/uploads/u1/confirm/": [processing("u1")],
    "GET /api/uploads/?ids=u1": [[200, { uploads: [ready("u1")] }]],
  });
  const kept = storage(), { calls, token } = session();
  await new Broker({ fetch, storage: kept, token }).upload(photo("a"), { ...product("42"), waitFor: "recorded" });
  assert.equal((await new Broker({ fetch, storage: kept, token }).whenReady("u1")).id, "u1");
  assert.deepEqual(calls, [product("42"), product("42")]);
});

test("a token function that throws, or returns no text, fails the upload with token_failed, and its record stays", async () => {
  const cause = new Error("signed out");
  for (const [token, text] of [[async () => { throw cause; }, /signed out/], [() => { throw "no"; }, /failed: no/], [() => ({ token: "x" }), /did not return a text/]]) {
    const { fetch, asked } = answers({ "GET /api/profiles/": PROFILES });
    const error = await new Broker({ fetch, storage: storage(), token }).upload(photo("a"), product("1")).catch((one) => one);
    assert.equal(error.code, "token_failed");
    assert.match(error.detail, text);
    assert.equal(asked.length, 0);
    if (text.source === "signed out") assert.equal(error.cause, cause);
  }
});

test("if one owner's token fails, the uploads of the others read the limits themselves", async () => {
  const { fetch } = answers({
    "GET /api/profiles/": [({ token }) => (token === "Bearer bad" ? refused("token_invalid", 401) : PROFILES[0])],
    "POST /api/owners/product_image/3/uploads/": [[201, TICKET]], "POST /api/uploads/u1/confirm/": [[200, IMAGE]],
  });
  const token = ({ owner }) => { if (owner === "1") throw new Error("no grant"); return owner === "2" ? "bad" : "good"; };
  const broker = new Broker({ fetch, storage: storage(), token });
  const ends = await Promise.allSettled(["1", "2", "3"].map((owner) => broker.upload(photo(owner), product(owner))));
  assert.deepEqual(ends.map((one) => one.value?.id ?? one.reason.code), ["token_failed", "token_invalid", 1]);
});

test("a cancelled upload does not wait for its owner's token", async () => {
  const never = gate(), { fetch, asked } = answers({});
  const upload = new Broker({ fetch, storage: storage(), token: () => never.promise }).upload(photo("a"), product("1"));
  await Promise.resolve();
  assert.equal(await upload.cancel(), true);
  assert.equal(asked.length, 0);
});
