// Uploads that the broker processes after the confirm: one poll for all of them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Broker, StillProcessing, UploadRejected } from "../../../clients/js/broker.js";
import { FILE, IMAGE, TICKET, answers, gate, never, refused, storage } from "./answers.js";

const CONFIRM = "POST /api/uploads/u1/confirm/", POLL = "GET /api/uploads/?ids=u1";
const upload = (state, more = {}) => ({ id: "u1", state, reason: null, image: null, ...more });
const PROCESSING = [202, upload("processing"), { "Retry-After": "1" }];
const polled = (...uploads) => [200, { uploads }, { "Retry-After": "3" }];
const READY = polled(upload("confirmed", { image: IMAGE }));
const REJECTED = [422, { code: "upload_rejected", detail: "Not an image.", reason: "not_an_image" }];
const STILL = polled(upload("processing"));

/** End every wait at once and record it. Timers of 30 s or more run only if `late` is called. */
function clock(t) {
  const waits = [], long = [];
  t.mock.method(globalThis, "setTimeout", (act, time) => {
    if (time >= 30_000) return long.push({ act, time });
    waits.push(time);
    setImmediate(act);
  });
  return { waits, late: (time) => long.filter((one) => one.time === time).forEach((one) => one.act()) };
}

function setUp(table, options = {}) {
  const fake = answers({ "POST /api/ads/1/upload_image/": [[201, TICKET]], [CONFIRM]: [PROCESSING], ...table });
  const kept = storage();
  return { ...fake, kept, broker: new Broker({ fetch: fake.fetch, storage: kept, ...options }) };
}
const polls = (lines) => lines().filter((line) => line.startsWith("GET /api/uploads/"));

test("an upload resolves when its image is ready, and reports the phase `processing`", async (t) => {
  const { waits } = clock(t), phases = [];
  const { broker, lines, kept } = setUp({ [POLL]: [STILL, STILL, READY] });
  const image = await broker.upload(FILE, { ad: 1, onProgress: ({ phase, loaded, total }) => phases.push(phase === "processing" ? [phase, loaded === total] : phase) });
  assert.deepEqual(image, IMAGE);
  assert.deepEqual(phases.slice(-3), ["confirming", ["processing", true], "done"]);
  assert.equal(polls(lines).length, 3);
  assert.equal(lines().filter((line) => line === CONFIRM).length, 1);
  assert.deepEqual(waits.filter((time) => time >= 500), [1000, 3000, 3000]); // Retry-After of the 202 and of the polls
  assert.deepEqual(await broker.resumable(), []);
  assert.deepEqual([...kept.map.values()].map((one) => one.ended), [true]);
});

test("polls without Retry-After begin after half a second to one and slow down to a few seconds", async (t) => {
  const { waits } = clock(t);
  t.mock.method(Math, "random", () => 1);
  const still = [200, { uploads: [upload("processing")] }];
  const { broker } = setUp({ [CONFIRM]: [[202, upload("processing")]], [POLL]: [...Array(6).fill(still), READY] });
  await broker.upload(FILE, { ad: 1 });
  assert.deepEqual(waits.filter((time) => time >= 500), [1000, 1500, 2250, 3375, 4000, 4000, 4000]);
});

test("one request asks for all uploads of a Broker, 50 at a time, and they do not take a sending slot", async (t) => {
  clock(t);
  const files = Array.from({ length: 60 }, (_, n) => new File([`photo ${n}`], "x.jpg", { type: "image/jpeg" }));
  const issued = gate(), all = new Set(), asked = [];
  let tickets = 0;
  const fetch = async (url, { method }) => {
    const json = (status, body) => new Response(JSON.stringify(body), { status });
    if (url === "/api/profiles/") return json(200, { ad_image: { content_types: ["image/jpeg"], max_bytes: 1e9 } });
    if (url.endsWith("/upload_image/")) return json(201, { ...TICKET, id: `u${++tickets}` });
    const id = url.split("/")[3];
    if (method === "POST") {
      if (all.add(id).size === 60) issued.open();
      return json(202, upload("processing", { id }));
    }
    const ids = new URL(url, "http://broker.example").searchParams.get("ids").split(",");
    if (all.size === 60) asked.push(ids);
    await issued.promise;
    return json(200, { uploads: ids.map((one) => upload(asked.length ? "confirmed" : "processing", { id: one, image: { ...IMAGE, id: one } })) });
  };
  const broker = new Broker({ fetch, storage: storage(), concurrency: 2 });
  const images = await Promise.all(files.map((file) => broker.upload(file, { ad: 1 })));
  assert.equal(new Set(images.map((one) => one.id)).size, 60);
  // A request that was sent shortly before the last confirm may have asked for a few of them.
  assert.equal(asked.flat().length, 60);
  assert.equal(Math.max(...asked.map((ids) => ids.length)), 50);
  assert.ok(asked.length <= 4, `${asked.length} requests`);
});

test("the poll continues after network failures and reports them", async (t) => {
  clock(t);
  const events = [];
  const { broker } = setUp({ [POLL]: [...Array(5).fill([0]), refused("database_unavailable", 503), STILL, READY] }, { tries: 2 });
  const image = await broker.upload(FILE, { ad: 1, onProgress: ({ phase, error }) => events.push([phase, error?.code ?? null]) });
  assert.deepEqual(image, IMAGE);
  const codes = events.filter(([phase]) => phase === "waiting").map(([, code]) => code);
  assert.ok(codes.includes("network"));
  assert.deepEqual(events.slice(-2), [["processing", null], ["done", null]]);
});

test("after the timeout the upload rejects with StillProcessing, and the same file only waits again", async (t) => {
  const { late } = clock(t);
  const asked = gate();
  const { broker, lines } = setUp({ [POLL]: [STILL, (request) => { asked.open(); return never(request); }, READY] }, { processingTimeout: 31_000 });
  const first = broker.upload(FILE, { ad: 1 });
  await asked.promise;
  late(31_000);
  await assert.rejects(first, (error) => error instanceof StillProcessing && error.code === "still_processing" && /safe/.test(error.detail));
  const [left] = await broker.resumable();
  assert.deepEqual([left.id, left.processing, left.busy], ["u1", true, false]);
  const before = lines().length;
  assert.deepEqual(await broker.upload(FILE, { ad: 1 }), IMAGE);
  assert.deepEqual(lines().slice(before), [CONFIRM, POLL]);
});

test("nothing is polled when no upload waits", async (t) => {
  clock(t);
  const stop = new AbortController(), asked = gate();
  const { broker, lines } = setUp({ [POLL]: [STILL, (request) => { asked.open(); return never(request); }] });
  const waiting = broker.whenReady("u1", { signal: stop.signal });
  await asked.promise;
  const before = lines().length;
  stop.abort();
  await assert.rejects(waiting, { code: "aborted" });
  for (let ticks = 0; ticks < 20; ticks++) await new Promise((resolve) => { setImmediate(resolve); });
  assert.equal(lines().length, before);
});

test("an upload that is added makes slow polls fast again, and does not postpone them", async (t) => {
  const steps = [];
  let tick;
  t.mock.method(globalThis, "setTimeout", (act, time) => {
    if (time >= 30_000) return 0;
    steps.push(time);
    tick = act;
    return 0;
  });
  t.mock.method(Math, "random", () => 1);
  const still = (...ids) => [200, { uploads: ids.map((id) => upload("processing", { id })) }];
  const { broker, lines } = setUp({
    [POLL]: [still("u1")], "GET /api/uploads/?ids=u1,u2,u3": [[200, { uploads: [] }]],
    ...Object.fromEntries(["u1", "u2", "u3"].map((id) => [`POST /api/uploads/${id}/confirm/`, [[200, IMAGE]]])),
  });
  const settle = async () => { for (let n = 0; n < 20; n++) await new Promise((resolve) => { setImmediate(resolve); }); };
  const all = [broker.whenReady("u1")];
  for (let n = 0; n < 3; n++) { await settle(); tick(); }
  await settle();
  assert.deepEqual(steps, [1000, 1500, 2250, 3375]);
  all.push(broker.whenReady("u2"));
  await settle();
  all.push(broker.whenReady("u3"));
  await settle();
  assert.deepEqual(steps.slice(4), [1000]);
  tick();
  assert.deepEqual(await Promise.all(all), [IMAGE, IMAGE, IMAGE]);
  assert.equal(polls(lines).at(-1), "GET /api/uploads/?ids=u1,u2,u3");
});

for (const [code, status] of [["not_found", 404], ["method_not_allowed", 405]]) {
  test(`a broker that does not know \`ids\` (${status}) is asked for each upload`, async (t) => {
    clock(t);
    const { broker, lines } = setUp({
      [POLL]: [refused(code, status)], "GET /api/uploads/u1/": [PROCESSING, [200, { id: "u1", state: "confirmed" }]],
      [CONFIRM]: [PROCESSING, [200, IMAGE]],
    });
    assert.deepEqual(await broker.upload(FILE, { ad: 1 }), IMAGE);
    assert.deepEqual(polls(lines), [POLL, "GET /api/uploads/u1/", "GET /api/uploads/u1/"]);
  });
}

for (const [where, table] of [
  ["the poll", { [POLL]: [polled(upload("rejected", { reason: "not_an_image" }))] }],
  ["the confirm", { [CONFIRM]: [REJECTED] }],
  ["the confirm after the poll", { [CONFIRM]: [PROCESSING, REJECTED], [POLL]: [polled(upload("rejected"))] }],
  ["the answer for one upload", { [POLL]: [refused("not_found", 404)], "GET /api/uploads/u1/": [[200, upload("rejected", { reason: "not_an_image" })]] }],
]) {
  test(`a rejected file (${where}) is not sent again`, async (t) => {
    clock(t);
    const { broker, lines, kept } = setUp(table);
    const typed = (error) => error instanceof UploadRejected && error.code === "upload_rejected" && error.reason === "not_an_image" && error.status === 422;
    await assert.rejects(broker.upload(FILE, { ad: 1 }), typed);
    assert.equal(lines().filter((line) => line.endsWith("upload_image/")).length, 1);
    assert.equal(kept.map.size, 0);
  });
}

test("with `waitFor: \"recorded\"` an upload resolves when it is recorded, and `whenReady` waits later", async (t) => {
  clock(t);
  const phases = [];
  const { broker, lines, kept } = setUp({ [POLL]: [READY] });
  const recorded = await broker.upload(FILE, { ad: 1, waitFor: "recorded", order: 3, onProgress: ({ phase }) => phases.push(phase) });
  assert.deepEqual([recorded.id, recorded.state], ["u1", "processing"]);
  assert.deepEqual(phases.slice(-2), ["processing", "done"]);
  assert.deepEqual(polls(lines), []);
  assert.deepEqual(await broker.resumable(), []);
  assert.deepEqual(await broker.whenReady("u1"), IMAGE);
  const again = await new Broker({ fetch: setUp({ [CONFIRM]: [[200, IMAGE]] }).fetch, storage: kept }).upload(FILE, { ad: 1, waitFor: "recorded" });
  assert.deepEqual(again, IMAGE);
});

test("an upload can be cancelled while it is processed", async (t) => {
  clock(t);
  const asked = gate();
  const { broker, lines, kept } = setUp({ [POLL]: [(request) => { asked.open(); return never(request); }], "DELETE /api/uploads/u1/": [[204]] });
  const one = broker.upload(FILE, { ad: 1 });
  await asked.promise;
  assert.equal(await one.cancel(), true);
  await assert.rejects(one, { code: "aborted" });
  assert.equal(lines().at(-1), "DELETE /api/uploads/u1/");
  assert.equal(kept.map.size, 0);
});

test("an upload that was rejected before it could be cancelled counts as cancelled", async (t) => {
  clock(t);
  const asked = gate();
  const { broker } = setUp({
    [POLL]: [(request) => { asked.open(); return never(request); }],
    "DELETE /api/uploads/u1/": [refused("upload_settled", 409)], [CONFIRM]: [PROCESSING, REJECTED],
  });
  const one = broker.upload(FILE, { ad: 1 });
  await asked.promise;
  assert.equal(await one.cancel(), true);
});

test("an upload can be paused and resumed while it is processed", async (t) => {
  clock(t);
  const asked = gate();
  const { broker, lines } = setUp({ [POLL]: [(request) => { asked.open(); return never(request); }, READY] });
  const one = broker.upload(FILE, { ad: 1 });
  await asked.promise;
  one.pause();
  assert.equal(one.phase, "paused");
  one.resume();
  assert.deepEqual(await one, IMAGE);
  assert.ok(!lines().some((line) => line.endsWith("renew/")));
});

test("after a reload the same file of an upload in parts only waits", async (t) => {
  clock(t);
  const multipart = { "POST /api/ads/1/upload_image/": [[201, { ...TICKET, upload: { method: "MULTIPART" } }]] };
  const stopped = setUp({
    ...multipart, "GET /api/uploads/u1/parts/": [[200, { missing: [], part_size: 5, size: 5 }]],
    "POST /api/uploads/u1/complete/": [PROCESSING], [POLL]: [STILL],
  }, { processingTimeout: 0 });
  await assert.rejects(stopped.broker.upload(FILE, { ad: 1 }), { code: "still_processing" });
  const { fetch, lines } = setUp({ [POLL]: [READY] });
  assert.deepEqual(await new Broker({ fetch, storage: stopped.kept }).upload(FILE, { ad: 1 }), IMAGE);
  assert.deepEqual(lines().slice(-2), [CONFIRM, POLL]);
});

test("an upload of another device that is being processed is resumed by waiting", async (t) => {
  clock(t);
  const { broker, lines } = setUp({
    "GET /api/uploads/u1/": [[200, upload("processing", { purpose: "ad_image", owner: 1, content_type: "image/jpeg", size: 5, checksum_sha256: null, transport: "multipart" })]],
    [POLL]: [READY],
  });
  assert.deepEqual(await broker.resume("u1", FILE), IMAGE);
  assert.deepEqual(lines().slice(-2), [CONFIRM, POLL]);
});

test("an error of the page's token function ends the wait", async (t) => {
  clock(t);
  let asked = 0;
  const token = async () => { if (++asked > 1) throw new Error("signed out"); return "stale"; };
  const { broker } = setUp({ [POLL]: [refused("token_expired", 401)] }, { token });
  await assert.rejects(broker.whenReady("u1"), /signed out/);
});

test("an upload that was cancelled elsewhere rejects with the API's error", async (t) => {
  clock(t);
  const { broker } = setUp({ [CONFIRM]: [PROCESSING, refused("upload_cancelled", 410)], [POLL]: [polled(upload("cancelled"))] });
  await assert.rejects(broker.upload(FILE, { ad: 1 }), { code: "upload_cancelled", status: 410 });
});
