// Send slots: how many files are sent at the same time, and what does not take a slot.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Broker } from "../../../clients/js/broker.js";
import { IMAGE, TICKET, gate, never, storage } from "./answers.js";
import { calm, files, hashAtOnce, readAfter, shop } from "./batch_shop.js";

hashAtOnce();

test("six photos are sent at the same time, and the others wait for a slot", async (t) => {
  const sending = gate(), most = [];
  t.mock.method(globalThis, "fetch", async () => { most.push(1); await sending.promise; return new Response(); });
  const uploads = new Broker({ fetch: shop().fetch, storage: storage() }).uploadAll(files(10, 1000), { ad: 1 });
  await calm();
  assert.equal(most.length, 6);
  sending.open();
  assert.ok((await uploads).every((one) => one.status === "fulfilled"));
  assert.equal(most.length, 10);
});

test("a free send slot does not wait until all photos are hashed", async () => {
  const { fetch, batches } = shop(), photos = files(4, 1000), last = gate();
  readAfter(photos[3], last.promise);
  const [one, two, three, four] = new Broker({ fetch, storage: storage(), concurrency: 1 }).uploadAll(photos, { ad: 1 });
  assert.deepEqual((await Promise.all([one, two, three])).map((image) => image.id), [1, 2, 3]);
  assert.ok(batches().length <= 3);
  last.open();
  assert.equal((await four).id, 4);
});

test("a confirm does not hold a slot", async () => {
  const { fetch, asked } = shop({ "POST /api/uploads/u1/confirm/": [never], "DELETE /api/uploads/u1/": [[204]] });
  const uploads = new Broker({ fetch, storage: storage(), concurrency: 1 }).uploadAll(files(3, 1000), { ad: 1 });
  const [one, ...others] = uploads;
  assert.deepEqual((await Promise.all(others)).map((image) => image.id), [2, 3]);
  assert.equal(one.phase, "confirming");
  assert.ok(asked.some(({ line }) => line === "POST /api/uploads/u1/confirm/"));
  assert.equal(await one.cancel(), true);
});

test("at most six confirms are requested at the same time", async () => {
  const first = gate();
  let waiting = 0, most = 0;
  const slow = (id) => [async () => {
    most = Math.max(most, ++waiting);
    await first.promise;
    waiting--;
    return [200, { ...IMAGE, id }];
  }];
  const confirms = Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`POST /api/uploads/u${n + 1}/confirm/`, slow(n + 1)]));
  const uploads = new Broker({ fetch: shop(confirms).fetch, storage: storage() }).uploadAll(files(20, 1000), { ad: 1 });
  await calm();
  await calm();
  assert.deepEqual(uploads.uploads.map((one) => one.phase), Array(20).fill("confirming"));
  first.open();
  assert.ok((await uploads).every((one) => one.status === "fulfilled"));
  assert.equal(most, 6);
});

test("a file in parts is completed while other files hold the slots", async (t) => {
  const PART = (part_number) => ({ part_number, url: "data:,", headers: {} });
  const photoSent = gate(), sending = gate();
  let sent = 0;
  t.mock.method(globalThis, "fetch", async (url) => {
    if (url === "data:photo,") {
      photoSent.open();
      await sending.promise;
    }
    sent++;
    return new Response();
  });
  const photo = (id) => [[201, { ...TICKET, id, upload: { ...TICKET.upload, url: "data:photo," } }]];
  const { fetch, lines } = shop({
    "POST /api/ads/1/upload_image/": [[201, { ...TICKET, upload: { method: "MULTIPART" } }]],
    "GET /api/uploads/u1/parts/": [[200, { missing: [1, 2], part_size: 4, size: 7 }]],
    "POST /api/uploads/u1/parts/": [async () => { await photosWait.promise; return [200, { ...TICKET, parts: [PART(1), PART(2)] }]; }],
    "POST /api/uploads/u1/complete/": [[200, IMAGE]],
    "POST /api/ads/2/upload_image/": photo("u2"), "POST /api/ads/3/upload_image/": photo("u3"), "POST /api/ads/4/upload_image/": photo("u4"),
  });
  const photosWait = gate(), broker = new Broker({ fetch, storage: storage(), concurrency: 2 });
  const large = broker.upload(files(1, 7)[0], { ad: 1 });
  await calm();
  const photos = [2, 3, 4].map((ad) => broker.upload(files(1, 1000)[0], { ad }));
  await calm();
  photosWait.open(); // the lanes of the large file hold both slots, and three photos wait
  await photoSent.promise;
  await calm();
  assert.equal(sent, 2);
  assert.equal((await large).id, 1);
  assert.ok(lines().includes("POST /api/uploads/u1/complete/"));
  sending.open();
  await Promise.all(photos);
});

test("a photo that is confirmed does not keep the next one from asking while others are hashed", async () => {
  const { fetch } = shop({ "POST /api/uploads/u1/confirm/": [never], "DELETE /api/uploads/u1/": [[204]] }), photos = files(3, 1000);
  readAfter(photos[2], gate().promise);
  const [one, two, three] = new Broker({ fetch, storage: storage(), concurrency: 1 }).uploadAll(photos, { ad: 1 });
  await calm();
  assert.deepEqual([one.phase, two.phase], ["confirming", "done"]);
  assert.equal(await one.cancel(), true);
  assert.equal(await three.cancel(), true);
});
