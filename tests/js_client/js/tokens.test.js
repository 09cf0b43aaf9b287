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
    assert.deepEqual(calls, [{}, { refused: "stale" }]);
    assert.deepEqual(asked.map((one) => one.token), ["stale", "fresh", "fresh", "fresh"].map((one) => `Bearer ${one}`));
  });
}

test("a request is repeated once, and the next request does not send the refused token", async () => {
  const { fetch, asked } = guarded(["third"], "token_invalid"), { calls, token } = session(["first", "second", "third"]);
  const broker = new Broker({ fetch, storage: storage(), token });
  await assert.rejects(broker.upload(FILE, { ad: 1 }), { code: "token_invalid", status: 401 });
  assert.equal(asked.length, 2);
  assert.deepEqual(await broker.upload(FILE, { ad: 1 }), IMAGE);
  assert.deepEqual(calls, [{}, { refused: "first" }, { refused: "second" }]);
});

test("after several requests are refused at the same time, the page is asked once", async () => {
  const { fetch } = guarded(["fresh"]), { calls, token } = session(["stale", "fresh"]);
  const broker = new Broker({ fetch, storage: storage(), token });
  const outcomes = await Promise.allSettled(["u7", "u8", "u9"].map((id) => broker.resume(id, FILE)));
  assert.deepEqual(outcomes.map((one) => one.reason.code), ["not_found", "not_found", "not_found"]);
  assert.equal(calls.length, 2);
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
