// Batches of tickets: their size, and ads with too few free slots.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Broker } from "../../../clients/js/broker.js";
import { IMAGE, TICKET, answers, gate, refused, storage } from "./answers.js";

const BATCH = "POST /api/ads/1/upload_images/", ALONE = "POST /api/ads/1/upload_image/";
const MB = 1e6;

/** Files that report a size but contain no bytes. */
const files = (count, size) => Array.from({ length: count }, (_, index) =>
  Object.defineProperty(new File([`photo ${index}`], `${index}.jpg`, { type: "image/jpeg" }), "size", { value: size }));

/** A broker that issues a ticket for each file of a batch, or has too few free slots. */
function shop(more = {}) {
  let made = 0;
  const ticket = () => ({ ...TICKET, id: `u${++made}` });
  const table = Object.fromEntries(Array.from({ length: 130 }, (_, n) => [`POST /api/uploads/u${n}/confirm/`, [[200, { ...IMAGE, id: n }]]]));
  const all = ({ body }) => [201, { tickets: JSON.parse(body).files.map(ticket) }];
  const made_ = answers({ ...table, [BATCH]: [all], [ALONE]: [() => [201, ticket()]], ...more });
  const batches = () => made_.asked.filter((one) => one.line === BATCH).map((one) => JSON.parse(one.body).files.length);
  return { ...made_, batches, ticket };
}

for (const [what, count, size, batches] of [
  ["120 small photos", 120, 1000, [50, 50, 20]], ["7 photos of 20 MB", 7, 20 * MB, [3, 3, 1]],
  ["3 photos of 50 MB", 3, 50 * MB, [1, 1, 1]], ["2 photos of 100 MB", 2, 100 * MB, [1, 1]],
]) {
  test(`${what}: tickets in batches of ${batches.join(", ")}`, async () => {
    const { fetch, batches: asked } = shop();
    const ends = await new Broker({ fetch, storage: storage() }).uploadAll(files(count, size), { ad: 1 });
    assert.ok(ends.every((one) => one.status === "fulfilled"));
    assert.deepEqual(asked(), batches);
  });
}

test("the first large photo is sent before the second is hashed", async () => {
  const { fetch } = shop();
  const [first, second] = files(2, 50 * MB);
  second.stream = () => new ReadableStream({ pull: () => new Promise(() => {}) });
  const [one, other] = new Broker({ fetch, storage: storage() }).uploadAll([first, second], { ad: 1 });
  assert.equal((await one).id, 1);
  assert.equal(await other.cancel(), true);
});

test("if there are too few free slots, the first files get them", async () => {
  const limit = refused("image_limit_reached", 409);
  const { fetch, asked } = shop({
    [BATCH]: [limit], [ALONE]: [[201, { ...TICKET, id: "u1" }], [201, { ...TICKET, id: "u2" }], limit],
  });
  const ends = await new Broker({ fetch, storage: storage() }).uploadAll(files(4, 1000), { ad: 1 });
  assert.deepEqual(ends.map((one) => one.value?.id ?? one.reason.code), [1, 2, "image_limit_reached", "image_limit_reached"]);
  const tickets = asked.filter((one) => one.key);
  assert.deepEqual(tickets.map((one) => one.line), [BATCH, ALONE, ALONE, ALONE]); // no more requests after the refusal
  assert.equal(new Set(tickets.map((one) => one.key)).size, 4);
  assert.deepEqual(tickets.slice(1).map((one) => JSON.parse(one.body).file_name), ["0.jpg", "1.jpg", "2.jpg"]);
});

test("a photo whose alt text is refused fails alone", async () => {
  const wrong = refused("validation_error", 422), ticket = (id) => [201, { ...TICKET, id }];
  const { fetch } = shop({ [BATCH]: [wrong], [ALONE]: [wrong, ticket("u2"), ticket("u3")] });
  const each = (_, index) => ({ altText: index ? "front" : "x".repeat(501) });
  const ends = await new Broker({ fetch, storage: storage() }).uploadAll(files(3, 1000), { ad: 1, each });
  assert.deepEqual(ends.map((one) => one.value?.id ?? one.reason.code), ["validation_error", 2, 3]);
});

test("a batch of one is requested once", async () => {
  const { fetch, asked } = shop({ [BATCH]: [refused("image_limit_reached", 409)] });
  const [end] = await new Broker({ fetch, storage: storage() }).uploadAll(files(1, 1000), { ad: 1 });
  assert.equal(end.reason.code, "image_limit_reached");
  assert.equal(asked.filter((one) => one.key).length, 1);
});

test("a photo of an earlier page's refused batch asks for its own ticket", async () => {
  const kept = storage(), photos = files(3, 1000);
  const lost = shop({ [BATCH]: [[0]] });
  await new Broker({ fetch: lost.fetch, storage: kept, tries: 1 }).uploadAll(photos, { ad: 1 });
  const { fetch, asked } = shop({ [BATCH]: [refused("image_limit_reached", 409)] });
  assert.equal((await new Broker({ fetch, storage: kept }).upload(photos[1], { ad: 1 })).id, 1);
  const tickets = asked.filter((one) => one.key);
  assert.deepEqual(tickets.map((one) => one.line), [BATCH, ALONE]);
  assert.equal(tickets[0].key, lost.asked.find((one) => one.key).key);
  assert.equal(JSON.parse(tickets[1].body).file_name, "1.jpg");
});

test("an upload that is paused and resumed during its batch request takes one ticket", async () => {
  const limit = refused("image_limit_reached", 409);
  let paused;
  const { fetch, asked } = shop({ [BATCH]: [() => { paused(); return limit; }] });
  const uploads = new Broker({ fetch, storage: storage() }).uploadAll(files(2, 1000), { ad: 1 });
  paused = () => { uploads.pause(); uploads.resume(); };
  assert.deepEqual((await uploads).map((one) => one.status), ["fulfilled", "fulfilled"]);
  assert.deepEqual(asked.filter((one) => one.key).map((one) => one.line), [BATCH, ALONE, ALONE]);
});

test("an upload that is cancelled during its batch request reports nothing more", async (t) => {
  const asked = gate(), cancelled = gate(), events = [];
  const { fetch } = answers({ [BATCH]: [async () => { asked.open(); await cancelled.promise; return [0]; }] });
  t.mock.method(globalThis, "setTimeout", (act, time) => { if (!time || time === 15_000) setImmediate(act); }); // the client's yields, and the timeout of a cancel
  const onProgress = ({ upload, phase, error }) => events.push([upload.file.name, phase, error?.code]);
  const [one, other] = new Broker({ fetch, storage: storage(), tries: 2 }).uploadAll(files(2, 1000), { ad: 1, onProgress });
  await asked.promise;
  assert.equal(await one.cancel(), true);
  cancelled.open();
  while (!events.some(([name, phase]) => name === "1.jpg" && phase === "waiting")) await new Promise(setImmediate);
  assert.equal(one.phase, "cancelled");
  assert.deepEqual(events.filter(([name]) => name === "0.jpg").at(-1), ["0.jpg", "cancelled", "aborted"]);
  other.catch(() => {});
});

test("an upload that was paused when its batch failed asks for its own ticket after it is resumed", async () => {
  let pause;
  const { fetch, asked } = shop({ [BATCH]: [() => { pause(); return [0]; }, ({ body }) => [201, { tickets: JSON.parse(body).files.map((_, n) => ({ ...TICKET, id: `u${n}` })) }]] });
  const [one, other] = new Broker({ fetch, storage: storage(), tries: 1 }).uploadAll(files(2, 1000), { ad: 1 });
  pause = () => other.pause();
  await assert.rejects(one, { code: "network" });
  other.resume();
  assert.equal((await other).id, 1);
  const [first, second] = asked.filter((request) => request.line === BATCH);
  assert.equal(second.key, first.key);
  assert.equal(second.body, first.body);
});
