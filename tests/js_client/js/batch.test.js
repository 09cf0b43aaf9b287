// Ticket requests of several files: their number, their order, and ads with too few free slots.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Broker } from "../../../clients/js/broker.js";
import { TICKET, gate, never, refused, storage } from "./answers.js";
import { ALONE, BATCH, calm, files, hashAtOnce, heldShop, names, readAfter, shop } from "./batch_shop.js";

hashAtOnce();

const MB = 1e6;

test("the first ticket is requested and the first photo is sent before the second is hashed", async () => {
  const { fetch, batches } = shop();
  const [first, second] = files(2, 1000), never = gate();
  readAfter(second, never.promise);
  const [one, other] = new Broker({ fetch, storage: storage() }).uploadAll([first, second], { ad: 1 });
  assert.equal((await one).id, 1);
  assert.deepEqual(batches(), [["0.jpg"]]);
  assert.equal(await other.cancel(), true);
});

test("photos that become ready during a request are asked for together, in the order of choosing", async () => {
  const { fetch, batches, upload } = heldShop();
  const uploads = await upload(new Broker({ fetch, storage: storage() }), 10);
  assert.deepEqual(uploads.map((one) => one.value?.id), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  assert.deepEqual(batches(), [["0.jpg"], names(1, 10)]);
});

for (const [count, sizes] of [[20, [1, 1, 1, 17]], [60, [1, 1, 1, 50, 7]]]) {
  test(`${count} photos need ${sizes.length} ticket requests if they are hashed one by one and sent later`, async (t) => {
    const sending = gate();
    t.mock.method(globalThis, "fetch", async () => { await sending.promise; return new Response(); });
    const { fetch, batches } = shop(), photos = files(count, 1000), gates = photos.map(gate);
    photos.forEach((photo, index) => readAfter(photo, gates[index].promise));
    const uploads = new Broker({ fetch, storage: storage(), concurrency: 3 }).uploadAll(photos, { ad: 1 });
    for (const { open } of gates) {
      open();
      await calm();
    }
    sending.open();
    assert.ok((await uploads).every((one) => one.status === "fulfilled"));
    assert.deepEqual(batches().map((one) => one.length), sizes);
    assert.deepEqual(batches().flat(), names(0, count));
  });
}

test("an upload that is paused or cancelled with a ticket does not keep the others from asking", async (t) => {
  t.mock.method(globalThis, "fetch", () => new Promise(() => {}));
  const { fetch, batches } = shop({ "DELETE /api/uploads/u1/": [[204]] }), photos = files(6, 1000), last = gate();
  readAfter(photos[5], last.promise);
  const uploads = new Broker({ fetch, storage: storage(), concurrency: 2 }).uploadAll(photos, { ad: 1 });
  await calm();
  const asked = () => batches().flat().length;
  assert.ok(asked() < 5);
  for (const upload of uploads.uploads.slice(0, asked())) upload.pause();
  await calm();
  assert.equal(asked(), 5);
});

test("no request asks for more than 50 tickets", async () => {
  const { fetch, batches, upload } = heldShop();
  const ends = await upload(new Broker({ fetch, storage: storage() }), 120);
  assert.ok(ends.every((one) => one.status === "fulfilled"));
  assert.deepEqual(batches().map((one) => one.length), [1, 50, 50, 19]);
});

for (const size of [20 * MB, 50 * MB]) {
  test(`seven photos of ${size / MB} MB, more than may be copied at a time, all get their tickets`, async () => {
    const { fetch, batches, upload } = heldShop();
    const ends = await upload(new Broker({ fetch, storage: storage() }), 7, {}, size);
    assert.ok(ends.every((one) => one.status === "fulfilled"));
    assert.deepEqual(batches().flat(), names(0, 7));
  });
}

test("an ad with room for three of ten photos gets the first three", async () => {
  let room = 3;
  const made = shop({
    [BATCH]: [(request) => {
      const wanted = JSON.parse(request.body).files.length;
      if (wanted > room) return refused("image_limit_reached", 409);
      room -= wanted;
      return made.all(request);
    }],
    [ALONE]: [() => (room-- > 0 ? [201, made.ticket()] : refused("image_limit_reached", 409))],
  });
  const photos = files(10, 1000), gates = photos.map(gate);
  photos.forEach((photo, index) => readAfter(photo, gates[index].promise));
  const kept = storage();
  const uploads = new Broker({ fetch: made.fetch, storage: kept }).uploadAll(photos, { ad: 1 });
  for (const { open } of gates) {
    open();
    await calm();
  }
  const ends = await uploads;
  assert.deepEqual(ends.map((one) => one.value?.id ?? one.reason.code), [1, 2, 3, ...Array(7).fill("image_limit_reached")]);
  assert.ok(made.asked.filter((one) => one.key).length <= 12);
  assert.deepEqual(await new Broker({ storage: kept }).resumable(), []); // nothing is kept of the others
});

test("if there are too few free slots, the first files of a request get them", async () => {
  const limit = refused("image_limit_reached", 409), ticket = (id) => [201, { ...TICKET, id }];
  const { fetch, asked, upload } = heldShop([limit], { [ALONE]: [ticket("u2"), ticket("u3"), limit] });
  const ends = await upload(new Broker({ fetch, storage: storage() }), 5);
  assert.deepEqual(ends.map((one) => one.value?.id ?? one.reason.code), [1, 2, 3, "image_limit_reached", "image_limit_reached"]);
  const tickets = asked.filter((one) => one.key);
  assert.deepEqual(tickets.map((one) => one.line), [BATCH, BATCH, ALONE, ALONE, ALONE]); // no more requests after the refusal
  assert.equal(new Set(tickets.map((one) => one.key)).size, 5);
  assert.deepEqual(tickets.slice(2).map((one) => JSON.parse(one.body).file_name), names(1, 4));
});

test("a photo whose alt text is refused fails alone", async () => {
  const wrong = refused("validation_error", 422), ticket = (id) => [201, { ...TICKET, id }];
  const { fetch, upload } = heldShop([wrong], { [ALONE]: [wrong, ticket("u2"), ticket("u3")] });
  const ends = await upload(new Broker({ fetch, storage: storage() }), 4);
  assert.deepEqual(ends.map((one) => one.value?.id ?? one.reason.code), [1, "validation_error", 2, 3]);
});

test("the refusal of the first photo names its fields, without its place in the request", async () => {
  const [status, body] = refused("validation_error", 422), errors = { size: ["Must be from 1 to 10 bytes."] };
  const { fetch } = shop({ [BATCH]: [[status, { ...body, errors: { files: { 0: errors } } }]] });
  const [end] = await new Broker({ fetch, storage: storage() }).uploadAll(files(1, 1000), { ad: 1 });
  assert.deepEqual([end.reason.code, end.reason.errors], ["validation_error", errors]);
});

test("options that cannot be sent as JSON do not keep the batch waiting forever", async () => {
  const each = (file, index) => ({ order: index ? 2 : 1n });
  const [one] = await new Broker({ fetch: shop().fetch, storage: storage() }).uploadAll(files(2, 1000), { ad: 1, each });
  assert.match(one.reason.message, /BigInt/);
});

test("a first photo that is not valid fails alone, also if the others are ready when it is refused", async () => {
  const held = gate();
  const { fetch, batches } = shop({ [BATCH]: [async () => { await held.promise; return refused("validation_error", 422); }, (request) => all(request)] });
  const { all } = shop();
  const uploads = new Broker({ fetch, storage: storage() }).uploadAll(files(3, 1000), { ad: 1 });
  await calm();
  held.open();
  assert.deepEqual((await uploads).map((one) => one.value?.id ?? one.reason.code), ["validation_error", 1, 2]);
  assert.deepEqual(batches(), [["0.jpg"], ["1.jpg", "2.jpg"]]);
});

test("a refusal that is not about one file also fails the photos that are ready", async () => {
  const held = gate();
  const { fetch, asked } = shop({ [BATCH]: [async () => { await held.promise; return refused("forbidden", 403); }] });
  const uploads = new Broker({ fetch, storage: storage() }).uploadAll(files(5, 1000), { ad: 1 });
  await calm();
  held.open();
  assert.deepEqual((await uploads).map((one) => one.reason.code), Array(5).fill("forbidden"));
  assert.equal(asked.filter((one) => one.key).length, 1);
});

test("a batch of one is requested once", async () => {
  const { fetch, asked } = shop({ [BATCH]: [refused("image_limit_reached", 409)] });
  const [end] = await new Broker({ fetch, storage: storage() }).uploadAll(files(1, 1000), { ad: 1 });
  assert.equal(end.reason.code, "image_limit_reached");
  assert.equal(asked.filter((one) => one.key).length, 1);
});

test("a photo of an earlier page's refused batch asks for its own ticket", async () => {
  const kept = storage();
  const lost = heldShop([[0]]);
  await lost.upload(new Broker({ fetch: lost.fetch, storage: kept, tries: 1 }), 3);
  const { fetch, asked } = shop({ [BATCH]: [refused("image_limit_reached", 409)] });
  const [, photo] = files(2, 1000);
  assert.equal((await new Broker({ fetch, storage: kept }).upload(photo, { ad: 1 })).id, 1);
  const tickets = asked.filter((one) => one.key);
  assert.deepEqual(tickets.map((one) => one.line), [BATCH, ALONE]);
  assert.equal(tickets[0].key, lost.asked.filter((one) => one.key)[1].key);
  assert.equal(JSON.parse(tickets[1].body).file_name, "1.jpg");
});

test("uploads that are paused and resumed during their batch request take one ticket each", async () => {
  const limit = refused("image_limit_reached", 409), seen = new Set();
  const onProgress = ({ upload }) => seen.add(upload);
  const interrupted = () => {
    for (const upload of seen) upload.pause();
    for (const upload of seen) upload.resume();
    return limit;
  };
  let made = 1;
  const { fetch, asked, upload } = heldShop([interrupted], { [ALONE]: [() => [201, { ...TICKET, id: `u${++made}` }]] });
  const ends = await upload(new Broker({ fetch, storage: storage() }), 3, { onProgress });
  assert.deepEqual(ends.map((one) => one.status), ["fulfilled", "fulfilled", "fulfilled"]);
  assert.deepEqual(asked.filter((one) => one.key).map((one) => one.line), [BATCH, BATCH, ALONE, ALONE]);
});

test("an upload that is paused while it waits for a request asks for its own ticket later", async () => {
  const held = gate(), made = shop({ [BATCH]: [async (request) => { await held.promise; return made.all(request); }] });
  const uploads = new Broker({ fetch: made.fetch, storage: storage() }).uploadAll(files(3, 1000), { ad: 1 });
  const [one, other, third] = uploads;
  await calm();
  other.pause();
  held.open();
  assert.deepEqual([(await one).id, (await third).id], [1, 2]);
  assert.deepEqual(made.batches(), [["0.jpg"], ["2.jpg"]]);
  other.resume();
  assert.equal((await other).id, 3);
  assert.equal(made.asked.filter((request) => request.key).at(-1).line, ALONE);
});

test("an upload that is cancelled during its batch request reports nothing more", async (t) => {
  const asked = gate(), cancelled = gate(), events = [];
  t.mock.method(globalThis, "setTimeout", (act, time) => { if (!time || time === 15_000) setImmediate(act); }); // the client's yields, and the timeout of a cancel
  const onProgress = ({ upload, phase, error }) => events.push([upload.file.name, phase, error?.code]);
  const { fetch, upload } = heldShop([async () => { asked.open(); await cancelled.promise; return [0]; }]);
  const uploads = [];
  const each = (file) => ({ onProgress: (event) => { uploads[file.name[0]] = event.upload; onProgress(event); } });
  upload(new Broker({ fetch, storage: storage(), tries: 2 }), 3, { each });
  await asked.promise;
  assert.equal(await uploads[1].cancel(), true);
  cancelled.open();
  while (!events.some(([name, phase]) => name === "2.jpg" && phase === "waiting")) await new Promise(setImmediate);
  assert.equal(uploads[1].phase, "cancelled");
  assert.deepEqual(events.filter(([name]) => name === "1.jpg").at(-1), ["1.jpg", "cancelled", "aborted"]);
});

test("an upload that was paused when its batch failed repeats the request after it is resumed", async () => {
  const uploads = [];
  const lost = () => { uploads[2].pause(); return [0]; };
  const { fetch, asked, upload } = heldShop([lost, ({ body }) => [201, { tickets: JSON.parse(body).files.map((_, n) => ({ ...TICKET, id: `u${n + 2}` })) }]]);
  const each = (file) => ({ onProgress: (event) => { uploads[file.name[0]] = event.upload; } });
  upload(new Broker({ fetch, storage: storage(), tries: 1 }), 3, { each });
  await calm();
  await assert.rejects(uploads[1], { code: "network" });
  uploads[2].resume();
  assert.equal((await uploads[2]).id, 3);
  const [, first, second] = asked.filter((request) => request.line === BATCH);
  assert.equal(second.key, first.key);
  assert.equal(second.body, first.body);
});
