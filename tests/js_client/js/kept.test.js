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

test("after a line that stays dead, too", async (t) => {
  const kept = storage(), dead = new Response("<Error><Code>RequestTimeout</Code></Error>", { status: 400 });
  t.mock.method(globalThis, "fetch", async () => dead);
  const upload = new Broker({ fetch: answers(TAKEN).fetch, storage: kept, tries: 1 }).upload(FILE, { ad: 1 });
  await assert.rejects(upload, { code: "gave_up", s3Code: "RequestTimeout" });
  assert.equal(kept.map.size, 1);
});

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

test("what another device began without digests is gone on with", async () => {
  const found = { purpose: "ad_image", owner: 1, content_type: "image/jpeg", size: 5, checksum_sha256: null, transport: "multipart" };
  const part = (number) => ({ part_number: number, url: "data:,", headers: {} });
  const unpinned = [422, { code: "validation_error", detail: "No digests.", errors: { parts: ["checksum_sha256 must be left out."] } }];
  const { fetch, asked } = answers({
    "GET /api/uploads/u1/": [[200, found]], "GET /api/uploads/u1/parts/": [[200, { missing: [2], part_size: 3, size: 5 }]],
    "POST /api/uploads/u1/parts/": [unpinned, [200, { ...TICKET, parts: [part(2)] }]],
    "POST /api/uploads/u1/complete/": [[200, IMAGE]],
  });
  assert.deepEqual(await new Broker({ fetch, storage: storage() }).resume("u1", FILE), IMAGE);
  const signed = asked.filter((one) => one.line.endsWith("POST /api/uploads/u1/parts/")).map((one) => JSON.parse(one.body).parts);
  assert.deepEqual(signed.at(-1), [{ part_number: 2 }]);
});
