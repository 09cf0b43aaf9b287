// What a failure leaves: whether the same file goes on from there, or begins anew.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Broker } from "../../../clients/js/broker.js";
import { FILE, IMAGE, TICKET, answers, refused, storage } from "./answers.js";

const TAKEN = { "POST /api/ads/1/upload_image/": [[201, TICKET]], "POST /api/uploads/u1/renew/": [[200, TICKET]] };
const HOUR = { "Retry-After": "3600" };

for (const [what, refusal] of [
  ["a limit that lasts long", refused("rate_limited", 429, HOUR)], ["a proxy's refusal", [403, "<html>"]],
  ["an object that does not show", refused("object_missing", 409)],
]) {
  test(`after ${what} the same file goes on with the same upload`, async () => {
    const kept = storage();
    const { fetch } = answers({ ...TAKEN, "POST /api/uploads/u1/confirm/": [refusal] });
    await assert.rejects(new Broker({ fetch, storage: kept, tries: 1 }).upload(FILE, { ad: 1 }));
    const later = answers({ "POST /api/uploads/u1/confirm/": [[200, IMAGE]] });
    assert.deepEqual(await new Broker({ fetch: later.fetch, storage: kept }).upload(FILE, { ad: 1 }), IMAGE);
  });
}

test("what a proxy refuses is not given up, and what was never issued is", async () => {
  const kept = storage();
  const lost = answers({ "POST /api/ads/1/upload_image/": [[0]] });
  await assert.rejects(new Broker({ fetch: lost.fetch, storage: kept, tries: 1 }).upload(FILE, { ad: 1 }), { code: "network" });
  const { fetch } = answers({ "POST /api/ads/1/upload_image/": [[404, "<html>"], refused("quota_exceeded", 429, HOUR)] });
  const broker = new Broker({ fetch, storage: kept });
  const [{ id }] = await broker.resumable();
  await assert.rejects(broker.discard(id), { code: "http_error" });
  assert.equal(await broker.discard(id), true);
  assert.deepEqual(await broker.resumable(), []);
});
