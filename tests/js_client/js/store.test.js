// Storages that fail, and an IndexedDB that does not answer.
import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { Broker } from "../../../clients/js/broker.js";
import { Database, Store } from "../../../clients/js/store.js";
import { FILE, IMAGE, TICKET, answers, refused, storage } from "./answers.js";

const full = () => { throw new DOMException("full", "QuotaExceededError"); };
const lost = async () => { throw new DOMException("Connection to Indexed Database server lost", "UnknownError"); };
const TABLE = { "POST /api/ads/1/upload_image/": [[201, TICKET]], "POST /api/uploads/u1/confirm/": [[200, IMAGE]] };

for (const [what, broken] of [
  ["is full", { put: full }], ["cannot delete", { delete: lost }], ["cannot be read", { all: lost }],
  ["always fails", { put: lost, delete: lost, all: full }],
]) {
  test(`an upload succeeds with a storage that ${what}, and the page remembers it`, async () => {
    const { fetch, lines } = answers(TABLE);
    const broker = new Broker({ fetch, storage: { ...storage(), ...broken } });
    assert.deepEqual(await broker.upload(FILE, { ad: 1 }), IMAGE);
    assert.deepEqual(await broker.upload(FILE, { ad: 1 }), IMAGE);
    assert.equal(lines().filter((line) => line.includes("upload_image")).length, 1);
    assert.deepEqual(await broker.resumable(), []);
  });
  test(`a refusal is reported unchanged with a storage that ${what}`, async () => {
    const { fetch } = answers({ "POST /api/ads/1/upload_image/": [refused("image_limit_reached", 409)] });
    const broker = new Broker({ fetch, storage: { ...storage(), ...broken } });
    await assert.rejects(broker.upload(FILE, { ad: 1 }), { code: "image_limit_reached" });
    assert.deepEqual(await broker.resumable(), []);
  });
}

test("records that could not be written override those in the storage", async () => {
  const inner = storage();
  inner.put({ key: "a", at: 1 });
  inner.put({ key: "b", at: 1 });
  let isFull = true;
  const store = new Store({ ...inner, put: (one) => (isFull ? full() : inner.put(one)), delete: full });
  await store.put({ key: "a", at: 2 });
  await store.delete("b");
  assert.deepEqual(await store.all(), [{ key: "a", at: 2 }]);
  isFull = false;
  await store.put({ key: "a", at: 3 });
  inner.put({ key: "a", at: 4 }); // another tab, later
  assert.deepEqual(await store.all(), [{ key: "a", at: 4 }]);
});

test("records lost with a connection are remembered, and deletions by other tabs are not undone", async () => {
  const inner = Object.assign(storage(), { losses: 0 }), store = new Store(inner);
  await store.put({ key: "a" });
  inner.map.clear();
  assert.deepEqual(await store.all(), []);
  inner.losses++;
  assert.deepEqual(await store.all(), [{ key: "a" }]);
});

test("an IndexedDB that does not answer is skipped and tried again after a minute", async (t) => {
  mock.timers.enable({ apis: ["setTimeout"] });
  let opened = 0, now = 0;
  t.mock.method(performance, "now", () => now);
  globalThis.indexedDB = { open: () => { opened++; return {}; } };
  try {
    const database = new Database();
    for (const times of [1, 2]) {
      const read = database.all();
      mock.timers.tick(5_000);
      await assert.rejects(read, /does not answer/);
      await assert.rejects(database.all(), /does not answer/); // immediately
      assert.deepEqual([opened, database.losses], [times, times]);
      now += 60_000;
    }
  } finally {
    delete globalThis.indexedDB;
    mock.timers.reset();
  }
});

test("an upload waits only once for an IndexedDB that does not answer", async (t) => {
  const waits = [];
  t.mock.method(globalThis, "setTimeout", (act, time) => {
    if (time === 5_000) waits.push(time);
    if (!time || time === 5_000) setImmediate(act);
  });
  globalThis.indexedDB = { open: () => ({}) };
  try {
    assert.deepEqual(await new Broker({ fetch: answers(TABLE).fetch }).upload(FILE, { ad: 1 }), IMAGE);
    assert.equal(waits.length, 1);
  } finally {
    delete globalThis.indexedDB;
  }
});
