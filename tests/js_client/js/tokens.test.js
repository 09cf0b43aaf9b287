// The marketplace's tokens: the page learns which token was refused, and it is not used again.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Broker, BrokerError } from "../../../clients/js/broker.js";
import { FILE, IMAGE, PROFILE, TICKET, answers, refused, storage } from "./answers.js";

/** A broker that takes some tokens and refuses others. */
function guarded(good, code = "token_expired") {
  const only = (answer) => [({ token }) => (good.includes(token?.replace("Bearer ", "")) ? answer : refused(code, 401))];
  return answers({
    "GET /api/profiles/": only([200, { ad_image: PROFILE }]), "POST /api/ads/1/upload_image/": only([201, TICKET]),
    "POST /api/uploads/u1/confirm/": only([200, IMAGE]),
    ...Object.fromEntries(["u7", "u8", "u9"].map((id) => [`GET /api/uploads/${id}/`, only(refused("not_found", 404))])),
  });
}

const AD = { profile: "ad_image", owner: "1" };

/** A page's token function that returns the same token until it is refused. */
function session(tokens) {
  const calls = [];
  const token = async (asked) => {
    calls.push(asked);
    if (asked.refused === tokens[0] && tokens.length > 1) tokens.shift();
    return tokens[0];
  };
  return { calls, token };
}

for (const code of ["token_expired", "token_invalid", "token_missing"]) {
  test(`after ${code} the page is asked once more, with the token that was refused`, async () => {
    const { fetch, asked } = guarded(["fresh"], code), { calls, token } = session(["stale", "fresh"]);
    assert.deepEqual(await new Broker({ fetch, storage: storage(), token }).upload(FILE, { ad: 1 }), IMAGE);
    assert.deepEqual(calls, [AD, { ...AD, refused: "stale" }]);
    assert.deepEqual(asked.map((one) => one.token), ["stale", "fresh", "fresh", "fresh"].map((one) => `Bearer ${one}`));
  });
}

test("a request is repeated once, and the next request does not send the refused token", async () => {
  const { fetch, asked } = guarded(["third"], "token_invalid"), { calls, token } = session(["first", "second", "third"]);
  const broker = new Broker({ fetch, storage: storage(), token });
  await assert.rejects(broker.upload(FILE, { ad: 1 }), { code: "token_invalid", status: 401 });
  assert.equal(asked.length, 2);
  assert.deepEqual(await broker.upload(FILE, { ad: 1 }), IMAGE);
  assert.deepEqual(calls, [AD, { ...AD, refused: "first" }, { ...AD, refused: "second" }]);
});

test("after several requests are refused at the same time, the page is asked once", async () => {
  const { fetch } = guarded(["fresh"]), { calls, token } = session(["stale", "fresh"]);
  const broker = new Broker({ fetch, storage: storage(), token });
  const outcomes = await Promise.allSettled(["u7", "u8", "u9"].map((id) => broker.resume(id, FILE)));
  assert.deepEqual(outcomes.map((one) => one.reason.code), ["not_found", "not_found", "not_found"]);
  assert.equal(calls.length, 2);
});

test("report 24: a function that returns the refused token again is not asked a second time, and the request is not repeated", async () => {
  const { fetch, asked } = guarded([]), { calls, token } = session(["stale"]);
  const broker = new Broker({ fetch, storage: storage(), token });
  await assert.rejects(broker.request("GET", "/api/profiles/"), { code: "token_expired", status: 401 });
  assert.deepEqual([calls, asked.length], [[{}, { refused: "stale" }], 1]);
});

test("report 24: a page without a token is asked again after the 401", async () => {
  const { fetch } = guarded(["fresh"], "token_missing"), tokens = [null, "fresh"];
  const broker = new Broker({ fetch, storage: storage(), token: () => tokens.shift() });
  assert.deepEqual(await broker.request("GET", "/api/profiles/"), { ad_image: PROFILE });
});

test("report 24: a second 401 in a row is final, but a later one is not", async (t) => {
  t.mock.method(globalThis, "setTimeout", (act, time) => { if (!(time >= 30_000)) setImmediate(act); });
  let count = 0;
  const request = (...table) => {
    const { fetch } = answers({ "GET /api/ads/1/": table });
    return new Broker({ fetch, storage: storage(), token: () => `token ${++count}` }).request("GET", "/api/ads/1/");
  };
  const expired = refused("token_expired", 401), invalid = refused("token_invalid", 401);
  await assert.rejects(request(expired, invalid, [200, IMAGE]), { code: "token_invalid", status: 401 });
  assert.deepEqual(await request(expired, refused("draining", 503), expired, [200, IMAGE]), IMAGE);
  assert.equal(count, 5);
});

const PART = ({ body }) => [200, { ...TICKET, parts: JSON.parse(body).parts.map((one) => ({ ...one, url: "data:,", headers: {} })) }];
const MULTIPART = { ...TICKET, id: "u2", upload: { method: "MULTIPART" } };
const BOTH = { tickets: [{ ...TICKET, id: "u3" }, { ...TICKET, id: "u3" }] };

test("report 24: every request is repeated once with another token after its 401", async (t) => {
  let bucketFails = 2, tokens = 0;
  t.mock.method(globalThis, "setTimeout", (act, time) => { if (!(time >= 30_000)) setImmediate(act); });
  t.mock.method(globalThis, "fetch", async () => (bucketFails-- > 0
    ? new Response("<Error><Code>RequestTimeTooSkewed</Code></Error>", { status: 403 }) : new Response(null, { headers: { ETag: '"1"' } })));
  const { fetch, lines } = answers({
    "POST /api/ads/1/upload_image/": [[201, TICKET], [201, MULTIPART]], "POST /api/users/1/upload_avatar/": [[201, TICKET]],
    "POST /api/ads/1/upload_images/": [[201, BOTH]],
    "POST /api/uploads/u1/failures/": [[200, { action: "renew" }]], "POST /api/uploads/u1/renew/": [[200, TICKET]],
    "POST /api/uploads/u1/confirm/": [[200, IMAGE]], "POST /api/uploads/u3/confirm/": [[200, IMAGE]], "POST /api/uploads/u4/renew/": [[200, { ...TICKET, id: "u4" }]], "POST /api/uploads/u4/confirm/": [[200, IMAGE]],
    "GET /api/uploads/u2/parts/": [[200, { missing: [1, 2], part_size: 3, size: 5 }]], "POST /api/uploads/u2/parts/": [PART],
    "POST /api/uploads/u2/complete/": [[200, IMAGE]], "GET /api/uploads/u9/": [[200, { state: "pending" }]],
    "GET /api/uploads/u4/": [[200, { purpose: "ad_image", owner: 1, size: 5, content_type: "image/jpeg", transport: "put" }]],
    "DELETE /api/uploads/u3/": [[204]], "PATCH /api/ads/1/images/1/": [[200, IMAGE]],
  });
  const seen = new Set();
  const guard = async (url, init) => {
    const line = `${init.method} ${url}`;
    if (seen.has(line)) return await fetch(url, init);
    seen.add(line);
    return new Response(JSON.stringify({ code: "token_invalid" }), { status: 401 });
  };
  const broker = new Broker({ fetch: guard, storage: storage(), token: () => `token ${++tokens}` });
  const other = () => new File([`photo ${seen.size}`], "x.jpg", { type: "image/jpeg" });
  assert.deepEqual(await broker.upload(FILE, { ad: 1 }), IMAGE);
  assert.deepEqual(await broker.upload(FILE, { ad: 1, altText: "front" }), IMAGE); // the same photo again: only its text changes
  assert.deepEqual(await broker.upload(new File(["large"], "x.jpg", { type: "image/jpeg" }), { ad: 1 }), IMAGE);
  assert.deepEqual(await broker.upload(other(), { user: 1 }), IMAGE);
  assert.deepEqual(await broker.resume("u4", new File(["other"], "x.jpg", { type: "image/jpeg" })), IMAGE);
  const [first, second] = broker.uploadAll([other(), other()], { ad: 1, onProgress: ({ phase, upload }) => phase === "sending" && upload === second && upload.cancel() });
  assert.deepEqual(await first, IMAGE);
  await assert.rejects(second, { code: "aborted" });
  await broker.request("GET", "/api/uploads/u9/");
  assert.deepEqual([...seen].filter((line) => !lines().includes(line)), []); // each was sent again
  const owners = ["the ad", "the user", "none"];
  assert.ok(seen.size >= 15 && tokens <= seen.size + owners.length, `${tokens} tokens for ${seen.size} kinds of requests`);
});

test("a token that is a string is not tried twice", async () => {
  const { fetch, asked } = guarded(["fresh"]);
  await assert.rejects(new Broker({ fetch, storage: storage(), token: "stale" }).upload(FILE, { ad: 1 }), { status: 401 });
  assert.equal(asked.length, 1);
});

test("an error thrown by the token function does not count as a refused token", async () => {
  let calls = 0;
  const token = () => {
    calls++;
    throw new BrokerError("token_missing", "Signed out.", { status: 401 });
  };
  const broker = new Broker({ fetch: answers({}).fetch, storage: storage(), token });
  await assert.rejects(broker.upload(FILE, { ad: 1 }), { detail: "Signed out." });
  assert.equal(calls, 1);
  await assert.rejects(broker.upload(FILE, { ad: 1 }), { detail: "Signed out." });
  assert.equal(calls, 2); // the page is asked for a token again
});
