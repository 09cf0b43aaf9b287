// After a failure: whether the same file resumes the upload or starts a new one.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Broker } from "../../../clients/js/broker.js";
import { FILE, IMAGE, TICKET, answers, refused, storage } from "./answers.js";

const TAKEN = { "POST /api/ads/1/upload_image/": [[201, TICKET]], "POST /api/uploads/u1/renew/": [[200, TICKET]] };
const HOUR = { "Retry-After": "3600" };

for (const [what, refusal] of [
  ["a long rate limit", refused("rate_limited", 429, HOUR)], ["a proxy's refusal", [403, "<html>"]],
  ["a missing object", refused("object_missing", 409)],
]) {
  test(`after ${what} the same file resumes the same upload`, async () => {
    const kept = storage();
    const { fetch } = answers({ ...TAKEN, "POST /api/uploads/u1/confirm/": [refusal] });
    await assert.rejects(new Broker({ fetch, storage: kept, tries: 1 }).upload(FILE, { ad: 1 }));
    const later = answers({ "POST /api/uploads/u1/confirm/": [[200, IMAGE]] });
    assert.deepEqual(await new Broker({ fetch: later.fetch, storage: kept }).upload(FILE, { ad: 1 }), IMAGE);
  });
}

test("after dead connections the same file resumes the same upload", async (t) => {
  const kept = storage(), dead = new Response("<Error><Code>RequestTimeout</Code></Error>", { status: 400 });
  t.mock.method(globalThis, "fetch", async () => dead);
  const upload = new Broker({ fetch: answers(TAKEN).fetch, storage: kept, tries: 1 }).upload(FILE, { ad: 1 });
  await assert.rejects(upload, { code: "gave_up", s3Code: "RequestTimeout" });
  assert.equal(kept.map.size, 1);
});

test("`discard` rejects for a proxy's refusal, and resolves for a ticket that was never issued", async () => {
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

test("an upload that another device started without digests is resumed", async () => {
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
