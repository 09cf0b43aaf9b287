// Pausing at every moment.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Broker } from "../../../clients/js/broker.js";
import { FILE, IMAGE, TICKET, answers, gate, never, storage } from "./answers.js";

const ENDS = ["done", "failed", "cancelled"];
const PARTS = { missing: [1, 2], part_size: 3, size: 5, part_count: 2 };
const signed = ({ body }) => [200, { ...TICKET, parts: JSON.parse(body).parts.map((one) => ({ ...one, url: "data:,", headers: {} })) }];
const TRANSPORTS = {
  put: {},
  multipart: {
    "POST /api/ads/1/upload_image/": [[201, { ...TICKET, upload: { method: "MULTIPART" } }]],
    "GET /api/uploads/u1/parts/": [[200, PARTS]], "POST /api/uploads/u1/parts/": [signed],
    "POST /api/uploads/u1/complete/": [[200, IMAGE]],
  },
};

/** Upload, and pause at the n-th event. Returns the number of events. */
async function pausedAt(n, table) {
  let happened = 0, isPaused = false;
  const upload = {}, late = [];
  const happen = () => {
    if (++happened !== n || ENDS.includes(upload.one.phase)) return;
    upload.one.pause();
    isPaused = upload.one.phase === "paused";
  };
  const kept = storage(), { fetch } = answers({
    "POST /api/ads/1/upload_image/": [[201, TICKET]], "POST /api/uploads/u1/renew/": [[200, TICKET]],
    "POST /api/uploads/u1/confirm/": [[200, IMAGE]], ...table,
  });
  const noisy = (act) => (...given) => {
    const result = act(...given);
    happen();
    return result;
  };
  upload.one = new Broker({ fetch: noisy(fetch), storage: { ...kept, put: noisy(kept.put), all: noisy(kept.all) } }).upload(FILE, {
    ad: 1, onProgress: ({ phase }) => {
      if (isPaused && phase !== "paused") late.push(phase);
      happen();
    },
  });
  const tick = () => new Promise((resolve) => { setImmediate(resolve); });
  let isOver = false;
  const over = upload.one.then((image) => { isOver = true; return image; });
  while (!isPaused && !isOver) await tick();
  for (let ticks = 0; ticks < 50 && !isOver; ticks++) await tick(); // wait for the interrupted requests to report their end
  assert.ok(late.every((phase) => ENDS.includes(phase)), `${n}: ${late}`);
  if (isPaused && !isOver) {
    assert.equal(upload.one.phase, "paused", String(n));
    isPaused = false;
    upload.one.resume();
    assert.equal(upload.one.phase, "queued", String(n));
  }
  assert.deepEqual(await over, IMAGE);
  return happened;
}

for (const [transport, table] of Object.entries(TRANSPORTS)) {
  test(`an upload (${transport}) can be paused and resumed at every step`, async () => {
    const fresh = () => Object.fromEntries(Object.entries(table).map(([line, list]) => [line, [...list]]));
    const steps = await pausedAt(0, fresh());
    assert.ok(steps > 10);
    for (let n = 1; n <= steps; n++) await pausedAt(n, fresh());
  });
}

test("a resumed upload that waits for a slot is queued, not paused", async (t) => {
  const sends = [(_, request) => { sending.open(); return never(request); }, async () => new Response()];
  t.mock.method(globalThis, "fetch", (...request) => sends.shift()(...request));
  const { fetch } = answers({
    "POST /api/ads/1/upload_image/": [[201, TICKET], [201, { ...TICKET, id: "u2" }]],
    "POST /api/uploads/u2/confirm/": [[200, IMAGE]],
    "DELETE /api/uploads/u1/": [[204]],
  });
  const broker = new Broker({ fetch, storage: storage(), concurrency: 1 });
  const sending = gate();
  const first = broker.upload(FILE, { ad: 1 });
  await sending.promise;
  const second = broker.upload(FILE, { ad: 1 });
  second.pause();
  assert.equal(second.phase, "paused");
  second.resume();
  assert.equal(second.phase, "queued");
  second.resume();
  second.pause();
  assert.equal(second.phase, "paused");
  second.resume();
  assert.equal(await first.cancel(), true);
  assert.deepEqual(await second, IMAGE);
  second.pause();
  second.resume();
  assert.equal(second.phase, "done");
});

test("a request that a pause interrupted reports nothing after the upload was resumed", async () => {
  const kept = storage(), phases = [];
  const { fetch } = answers({ "POST /api/ads/1/upload_image/": [[201, TICKET]], "POST /api/uploads/u1/confirm/": [[200, IMAGE]] });
  const put = (record) => {
    kept.put(record);
    if (!record.sent || phases.includes("paused")) return;
    upload.pause();
    upload.resume();
  };
  const upload = new Broker({ fetch, storage: { ...kept, put } }).upload(FILE, { ad: 1, onProgress: ({ phase }) => phases.push(phase) });
  await upload;
  assert.deepEqual(phases.slice(phases.indexOf("paused")), ["paused", "queued", "confirming", "done"]);
});

test("a cancelled upload releases its slot although it was paused", async () => {
  const confirming = gate(), deleting = gate(), deleted = gate();
  const { fetch } = answers({
    "POST /api/ads/1/upload_image/": [[201, TICKET]], "POST /api/uploads/u1/confirm/": [never],
    "DELETE /api/uploads/u1/": [async ({ signal }) => {
      deleting.open();
      await deleted.promise;
      return signal.aborted ? [0] : [204];
    }],
  });
  const upload = new Broker({ fetch, storage: storage() }).upload(FILE, { ad: 1, onProgress: ({ phase }) => phase === "confirming" && confirming.open() });
  await confirming.promise;
  const cancelled = upload.cancel();
  await deleting.promise;
  upload.pause();
  assert.notEqual(upload.phase, "paused");
  deleted.open();
  assert.equal(await cancelled, true);
  await assert.rejects(upload, (error) => error.code === "aborted" && error.cause === undefined);
});

test("an upload that waits for the page's token can be cancelled", async () => {
  const asked = gate();
  const token = () => { asked.open(); return new Promise(() => {}); };
  const upload = new Broker({ fetch: answers({}).fetch, storage: storage(), token }).upload(FILE, { ad: 1 });
  await asked.promise;
  assert.equal(await upload.cancel(), true);
});
