// Upload the same bytes again: a recorded upload is confirmed and not sent twice.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Broker } from "../../../clients/js/broker.js";
import { FILE, IMAGE, TICKET, answers, gate, refused, storage } from "./answers.js";

const ticket = (id) => [201, { ...TICKET, id }];
const image = (id) => [200, { ...IMAGE, id }];
const tickets = (lines) => lines().filter((line) => /upload_(image|avatar)/.test(line)).length;

test("a photo that was recorded before the reload resolves to the same image and is not sent again", async () => {
  const kept = storage();
  const { fetch, lines } = answers({
    "POST /api/ads/1/upload_image/": [ticket("u1")], "POST /api/uploads/u1/confirm/": [image(1)],
  });
  await new Broker({ fetch, storage: kept }).upload(FILE, { ad: 1, altText: "front" });
  const [ended] = kept.map.values();
  assert.deepEqual(Object.keys(ended).sort(), [
    "base", "digest", "ended", "endedAt", "key", "owner", "size", "startedAt", "type", "uploadId",
  ]);
  const reloaded = new Broker({ fetch, storage: kept });
  assert.deepEqual(await reloaded.resumable(), []);
  assert.equal(await reloaded.discard("u1"), false);
  assert.equal((await reloaded.upload(FILE, { ad: 1 })).id, 1);
  assert.equal((await reloaded.resume("u1", FILE)).id, 1);
  assert.equal(tickets(lines), 1);
  assert.equal(kept.map.size, 1);
});

test("a photo that was recorded while the clock was ahead is recognized after the clock was set back", async (t) => {
  const { fetch, lines } = answers({
    "POST /api/ads/1/upload_image/": [ticket("u1")], "POST /api/uploads/u1/confirm/": [image(1)],
  });
  const broker = new Broker({ fetch, storage: storage() }), { now } = Date;
  const ahead = t.mock.method(Date, "now", () => now() + 2 * 3600_000);
  await broker.upload(FILE, { ad: 1 });
  ahead.mock.restore();
  assert.equal((await broker.upload(FILE, { ad: 1 })).id, 1);
  assert.equal(tickets(lines), 1);
});

test("other bytes or another ad give another image", async () => {
  const kept = storage();
  const { fetch, lines } = answers({
    "POST /api/ads/1/upload_image/": [ticket("u1"), ticket("u2")], "POST /api/ads/2/upload_image/": [ticket("u3")],
    "POST /api/uploads/u1/confirm/": [image(1)], "POST /api/uploads/u2/confirm/": [image(2)],
    "POST /api/uploads/u3/confirm/": [image(3)],
  });
  const broker = new Broker({ fetch, storage: kept });
  await broker.upload(FILE, { ad: 1 });
  assert.equal((await broker.upload(new File(["other"], "x.jpg", { type: "image/jpeg" }), { ad: 1 })).id, 2);
  assert.equal((await broker.upload(FILE, { ad: 2 })).id, 3);
  assert.equal(tickets(lines), 3);
});

for (const code of ["image_deleted", "not_found"]) {
  test(`an image that was deleted since (${code}) is uploaded again, without its old alt text`, async () => {
    const { fetch, asked } = answers({
      "POST /api/ads/1/upload_image/": [ticket("u1"), ticket("u2")],
      "POST /api/uploads/u1/confirm/": [image(1), refused(code, code === "not_found" ? 404 : 410)],
      "POST /api/uploads/u2/confirm/": [image(2)],
    });
    const broker = new Broker({ fetch, storage: storage() });
    await broker.upload(FILE, { ad: 1, altText: "front" });
    assert.equal((await broker.upload(FILE, { ad: 1 })).id, 2);
    const last = asked.filter((one) => one.line.endsWith("upload_image/")).at(-1);
    assert.equal(JSON.parse(last.body).alt_text, "");
  });
}

test("`again` uploads the same photo as a new image", async () => {
  const { fetch } = answers({
    "POST /api/ads/1/upload_image/": [ticket("u1"), ticket("u2")],
    "POST /api/uploads/u1/confirm/": [image(1)], "POST /api/uploads/u2/confirm/": [image(2)],
  });
  const broker = new Broker({ fetch, storage: storage() });
  await broker.upload(FILE, { ad: 1 });
  assert.equal((await broker.upload(FILE, { ad: 1, again: true })).id, 2);
});

test("one file uploaded twice at the same time gives two images, and both are found again", async () => {
  const { fetch, lines } = answers({
    "POST /api/ads/1/upload_image/": [ticket("u1"), ticket("u2")],
    "POST /api/uploads/u1/confirm/": [image(1)], "POST /api/uploads/u2/confirm/": [image(2)],
  });
  const broker = new Broker({ fetch, storage: storage(), concurrency: 1 });
  const both = () => Promise.all([1, 2].map(() => broker.upload(FILE, { ad: 1 })));
  assert.deepEqual((await both()).map((one) => one.id).sort(), [1, 2]);
  assert.deepEqual((await both()).map((one) => one.id).sort(), [1, 2]);
  assert.equal(tickets(lines), 2);
});

test("two calls at the same time give two images, even if the first ends early", async () => {
  const { fetch } = answers({
    "POST /api/ads/1/upload_image/": [ticket("u1"), ticket("u2")],
    "POST /api/uploads/u1/confirm/": [image(1)], "POST /api/uploads/u2/confirm/": [image(2)],
  });
  const broker = new Broker({ fetch, storage: storage() });
  const first = broker.upload(FILE, { ad: 1 }), slow = new File(["photo"], "x.jpg", { type: "image/jpeg" });
  slow.stream = () => new ReadableStream({ async pull(to) {
    await first;
    to.enqueue(new TextEncoder().encode("photo"));
    to.close();
  } });
  assert.equal((await broker.upload(slow, { ad: 1 })).id, 2);
});

test("an unfinished upload is preferred to a recorded one", async () => {
  const kept = storage();
  const first = answers({
    "POST /api/ads/1/upload_image/": [ticket("u1"), ticket("u2")],
    "POST /api/uploads/u1/confirm/": [image(1)],
    "POST /api/uploads/u2/confirm/": [refused("storage_denied", 503)],
  });
  const broker = new Broker({ fetch: first.fetch, storage: kept });
  await broker.upload(FILE, { ad: 1 });
  await assert.rejects(broker.upload(FILE, { ad: 1, again: true }), { code: "storage_denied" });
  const { fetch } = answers({ "POST /api/uploads/u2/confirm/": [image(2)] });
  const renamed = new File([FILE], "y.jpg", { type: "image/jpeg", lastModified: 2 });
  assert.equal((await new Broker({ fetch, storage: kept }).upload(renamed, { ad: 1 })).id, 2);
});

test("a record that another tab deleted before it was locked is not used", async () => {
  const kept = storage();
  const first = answers({
    "POST /api/ads/1/upload_image/": [ticket("u1")], "POST /api/uploads/u1/confirm/": [refused("storage_denied", 503)],
  });
  await assert.rejects(new Broker({ fetch: first.fetch, storage: kept }).upload(FILE, { ad: 1 }), { code: "storage_denied" });
  // The other tab deletes the record after this tab has read it, but before this tab has the lock.
  let reads = 0;
  const racing = { ...kept, all: () => {
    const found = kept.all();
    if (++reads === 1) kept.map.clear();
    return found;
  } };
  const { fetch, lines } = answers({ "POST /api/ads/1/upload_image/": [ticket("u2")], "POST /api/uploads/u2/confirm/": [image(2)] });
  assert.equal((await new Broker({ fetch, storage: racing }).upload(FILE, { ad: 1 })).id, 2);
  assert.ok(!lines().some((line) => line.includes("u1")));
});

test("`resume` and `discard` read a record again after they have locked it", async () => {
  const kept = storage();
  const first = answers({
    "POST /api/ads/1/upload_image/": [ticket("u1")],
    "POST /api/uploads/u1/confirm/": [refused("storage_denied", 503)],
  });
  await assert.rejects(new Broker({ fetch: first.fetch, storage: kept }).upload(FILE, { ad: 1 }), { code: "storage_denied" });
  const racing = () => {
    let reads = 0;
    return { ...kept, all: () => {
      const found = kept.all();
      if (++reads === 1) for (const one of kept.map.values()) Object.assign(one, { ended: true, endedAt: 1 });
      return found;
    } };
  };
  const { fetch, lines } = answers({ "POST /api/uploads/u1/confirm/": [image(1)] });
  const [begun] = kept.all();
  assert.equal(await new Broker({ fetch, storage: racing() }).discard("u1"), false);
  kept.map.set(begun.key, { ...begun, sent: false });
  assert.equal((await new Broker({ fetch, storage: racing() }).resume("u1", FILE)).id, 1);
  assert.deepEqual(lines().filter((line) => line.includes("u1")), ["POST /api/uploads/u1/confirm/"]);
});

test("cancelling an upload that turns out to be recorded keeps the image and its record", async () => {
  const kept = storage();
  const first = answers({ "POST /api/ads/1/upload_image/": [ticket("u1")], "POST /api/uploads/u1/confirm/": [image(1)] });
  await new Broker({ fetch: first.fetch, storage: kept }).upload(FILE, { ad: 1 });
  const asking = gate();
  const { fetch } = answers({
    "POST /api/uploads/u1/confirm/": [({ signal }) => {
      asking.open();
      return new Promise((_, reject) => signal.addEventListener("abort", reject));
    }, image(1)],
    "DELETE /api/uploads/u1/": [refused("upload_settled", 409)],
  });
  const upload = new Broker({ fetch, storage: kept }).upload(FILE, { ad: 1 });
  await asking.promise;
  assert.equal(await upload.cancel(), false);
  assert.equal((await upload).id, 1);
  assert.equal(kept.map.size, 1);
});
