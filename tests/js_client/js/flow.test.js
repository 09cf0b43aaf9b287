// The order of requests, with a fake broker and bucket.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Broker } from "../../../clients/js/broker.js";
import { FILE, IMAGE, PROFILE, TICKET, answers, gate, refused, storage } from "./answers.js";

test("a ticket request is repeated with its idempotency key, and a replayed ticket is renewed", async () => {
  const { fetch, asked, lines } = answers({
    "POST /api/ads/1/upload_image/": [[0], [201, TICKET, { "Idempotency-Replayed": "true" }]],
    "POST /api/uploads/u1/renew/": [refused("upload_settled", 409)],
    "POST /api/uploads/u1/confirm/": [[200, IMAGE]],
  });
  const kept = storage();
  assert.deepEqual(await new Broker({ fetch, storage: kept }).upload(FILE, { ad: 1 }), IMAGE);
  const tickets = asked.filter((one) => one.line.endsWith("upload_image/"));
  assert.equal(new Set(tickets.map((one) => one.key)).size, 1);
  assert.equal(new Set(tickets.map((one) => one.body)).size, 1);
  assert.ok(lines().includes("POST /api/uploads/u1/confirm/")); // settled: the image is recorded
  assert.deepEqual(await new Broker({ fetch, storage: kept }).resumable(), []);
});

test("an upload fails after the last try, and the next upload uses the same idempotency key", async () => {
  const kept = storage();
  const first = answers({ "POST /api/ads/1/upload_image/": [[0]] });
  await assert.rejects(new Broker({ fetch: first.fetch, storage: kept, tries: 2 }).upload(FILE, { ad: 1 }), { code: "network" });
  const second = answers({
    "POST /api/ads/1/upload_image/": [refused("idempotency_in_flight", 409), [201, TICKET, { "Idempotency-Replayed": "true" }]],
    "POST /api/uploads/u1/renew/": [refused("upload_settled", 409)],
    "POST /api/uploads/u1/confirm/": [[200, IMAGE]],
  });
  await new Broker({ fetch: second.fetch, storage: kept }).upload(FILE, { ad: 1 });
  const keys = [...first.asked, ...second.asked].map((one) => one.key).filter(Boolean);
  assert.equal(new Set(keys).size, 1);
});

test("the record of an expired upload is replaced by a new ticket", async () => {
  const kept = storage();
  const begun = answers({
    "POST /api/ads/1/upload_image/": [[201, { ...TICKET, server_time: TICKET.expires_at }]],
    "POST /api/uploads/u1/renew/": [refused("storage_denied", 503, { "Retry-After": "30" })],
  });
  await assert.rejects(new Broker({ fetch: begun.fetch, storage: kept }).upload(FILE, { ad: 1 }), { code: "storage_denied" });
  assert.equal(kept.map.size, 1);
  const { fetch, lines } = answers({
    "POST /api/uploads/u1/renew/": [refused("upload_expired", 410)],
    "POST /api/ads/1/upload_image/": [[201, { ...TICKET, id: "u2" }, { "Idempotency-Replayed": "true" }]],
    "POST /api/uploads/u2/renew/": [refused("upload_settled", 409)],
    "POST /api/uploads/u2/confirm/": [[200, IMAGE]],
  });
  await new Broker({ fetch, storage: kept }).upload(FILE, { ad: 1 });
  assert.deepEqual(lines().slice(1, 3), ["POST /api/uploads/u1/renew/", "POST /api/ads/1/upload_image/"]);
});

test("a refusal rejects at once, and no record is kept", async () => {
  const { fetch } = answers({ "POST /api/ads/1/upload_image/": [refused("image_limit_reached", 409)] });
  const kept = storage();
  await assert.rejects(new Broker({ fetch, storage: kept }).upload(FILE, { ad: 1 }), { code: "image_limit_reached", status: 409 });
  assert.equal(kept.map.size, 0);
});

test("if the token function throws, the upload rejects with the same error", async () => {
  const { fetch } = answers({});
  const token = async () => { throw new Error("signed out"); };
  await assert.rejects(new Broker({ fetch, storage: storage(), token }).upload(FILE, { ad: 1 }), /signed out/);
});

test("an upload that is paused in a batch does not stop the others", async () => {
  const { fetch, asked } = answers({
    "POST /api/ads/1/upload_images/": [[201, { tickets: [TICKET] }, { "Idempotency-Replayed": "true" }]],
    "POST /api/uploads/u1/renew/": [refused("upload_settled", 409)],
    "POST /api/uploads/u1/confirm/": [[200, IMAGE]],
  });
  const batch = new Broker({ fetch, storage: storage() }).uploadAll([FILE, new File(["y"], "y.jpg", { type: "image/jpeg" })], { ad: 1 });
  batch.uploads[1].pause();
  assert.deepEqual(await batch.uploads[0], IMAGE);
  const [request] = asked.filter((one) => one.line.endsWith("upload_images/"));
  assert.equal(JSON.parse(request.body).files.length, 1);
  assert.equal(await batch.uploads[1].cancel(), true);
  assert.deepEqual((await batch).map((one) => one.status), ["fulfilled", "rejected"]);
});

test("the client waits for a short rate limit and rejects for a long one", async (t) => {
  const waited = [];
  t.mock.method(globalThis, "setTimeout", (act, time) => { if (time < 30_000) { waited.push(time); queueMicrotask(act); } });
  const limited = (after) => refused("rate_limited", 429, { "Retry-After": after });
  const passing = answers({
    "GET /api/ads/1/": [limited("29"), [200, { id: 1 }]],
  });
  const broker = new Broker({ fetch: passing.fetch, storage: storage() });
  assert.deepEqual(await broker.request("GET", "/api/ads/1/"), { id: 1 });
  assert.deepEqual(waited.filter((time) => time >= 1000), [29_000]);
  const hour = answers({ "GET /api/ads/1/": [limited("3600")] });
  const other = new Broker({ fetch: hour.fetch, storage: storage() });
  await assert.rejects(other.request("GET", "/api/ads/1/"), { code: "rate_limited", retryAfter: 3600 });
  assert.equal(hour.asked.length, 1);
});

test("a failure to read the limits is reported to every upload that is not hashed yet", async () => {
  const events = [], read = gate();
  const slow = Object.assign(new File(["y"], "y.jpg", { type: "image/jpeg" }), { stream: () => new ReadableStream({ pull: () => read.promise }) });
  const { fetch, asked } = answers({ "GET /api/profiles/": [[0]] });
  const broker = new Broker({ fetch, storage: storage(), tries: 2 });
  const onProgress = ({ phase, error }) => error && events.push([phase, error.code]);
  const ends = await broker.uploadAll([slow, slow], { ad: 1, onProgress });
  assert.deepEqual(ends.map((one) => one.reason.code), ["network", "network"]);
  assert.deepEqual(events, ["waiting", "waiting", "failed", "failed"].map((phase) => [phase, "network"]));
  assert.equal(asked.filter((one) => one.key).length, 0);
});

const setTimeout_ = globalThis.setTimeout;

test("an upload that is hashed and waits for the limits says so", async (t) => {
  t.mock.method(globalThis, "setTimeout", (act, time) => { if (!(time >= 30_000)) setTimeout_(act, 20); });
  const events = [], onProgress = ({ phase, upload }) => events.push([upload.file.name, phase]);
  const { fetch } = answers({ "GET /api/profiles/": [[0]], "POST /api/ads/1/upload_images/": [[0]] });
  const [one, other] = new Broker({ fetch, storage: storage(), tries: 4 }).uploadAll([FILE, new File(["y"], "y.jpg", { type: "image/jpeg" })], { ad: 1, onProgress });
  await assert.rejects(Promise.resolve(other), { code: "network" });
  await assert.rejects(Promise.resolve(one), { code: "network" });
  const last = events.filter(([name]) => name === "y.jpg").slice(-2).map(([, phase]) => phase);
  assert.deepEqual(last, ["waiting", "failed"]);
});

test("a ticket does not wait for the limits, and a file that they refuse fails while it is read", async () => {
  const limits = gate(), limited = { "GET /api/profiles/": [async () => { await limits.promise; return [200, { ad_image: PROFILE }]; }] };
  const { fetch, lines } = answers({ ...limited, "POST /api/ads/1/upload_image/": [[201, TICKET]], "POST /api/uploads/u1/confirm/": [[200, IMAGE]] });
  const broker = new Broker({ fetch, storage: storage() });
  assert.deepEqual(await broker.upload(FILE, { ad: 1 }), IMAGE);
  assert.equal(lines()[0], "GET /api/profiles/");
  const endless = Object.assign(new File(["<svg/>"], "y.svg"), { stream: () => new ReadableStream({ pull: () => new Promise(() => {}) }) });
  const refusal = assert.rejects(broker.upload(endless, { ad: 1 }), { code: "validation_error", errors: { content_type: ["Must be one of: image/jpeg."] } });
  limits.open();
  await refusal;
});

test("the later files of a batch wait for the limits, and one that they refuse asks for no ticket", async () => {
  const limits = gate(), hashed = gate(), names = [], image = (id) => [[200, { ...IMAGE, id }]];
  const { fetch } = answers({
    "GET /api/profiles/": [async () => { await limits.promise; return [200, { ad_image: PROFILE }]; }],
    "POST /api/ads/1/upload_images/": [({ body }) => {
      const asked = JSON.parse(body).files.map((file) => file.file_name);
      return [201, { tickets: asked.map((name) => ({ ...TICKET, id: `u${names.push(name)}` })) }];
    }],
    "POST /api/uploads/u1/confirm/": image(1), "POST /api/uploads/u2/confirm/": image(2),
  });
  const photos = [FILE, new File(["<svg/>"], "y.svg"), new File(["z"], "z.jpg", { type: "image/jpeg" })];
  const onProgress = ({ phase, upload }) => {
    if (upload.file === photos[2] && phase === "queued") hashed.open();
  };
  const uploads = new Broker({ fetch, storage: storage() }).uploadAll(photos, { ad: 1, onProgress });
  await Promise.all([uploads.uploads[0], hashed.promise]);
  for (let turn = 0; turn < 40; turn++) await new Promise(setImmediate);
  assert.deepEqual(names, ["x.jpg"]);
  limits.open();
  assert.deepEqual((await uploads).map((one) => one.value?.id ?? one.reason.code), [1, "validation_error", 2]);
  assert.deepEqual(names, ["x.jpg", "z.jpg"]);
});

test("a first file that is hashed does not report that the limits cannot be read", async (t) => {
  t.mock.method(globalThis, "setTimeout", (act, time) => { if (!(time >= 30_000)) setTimeout_(act, 20); });
  const hashed = gate(), failed = gate(), phases = [];
  const { fetch } = answers({
    "GET /api/profiles/": [async () => { await hashed.promise; setImmediate(failed.open); return [0]; }],
    "POST /api/ads/1/upload_image/": [async () => { hashed.open(); await failed.promise; return [201, TICKET]; }],
    "POST /api/uploads/u1/confirm/": [[200, IMAGE]],
  });
  await new Broker({ fetch, storage: storage(), tries: 2 }).upload(FILE, { ad: 1, onProgress: ({ phase }) => phases.push(phase) });
  assert.deepEqual(phases.filter((phase) => phase === "waiting"), []);
  assert.equal(phases.at(-1), "done");
});

test("an upload that S3 never knows ends with s3_refused and releases its slot", async (t) => {
  const part = { part_number: 1, url: "data:,", headers: {} };
  t.mock.method(globalThis, "fetch", async () => new Response("<Error><Code>NoSuchUpload</Code></Error>", { status: 404 }));
  const { fetch, lines } = answers({
    "POST /api/ads/1/upload_image/": [[201, { ...TICKET, upload: { method: "MULTIPART" } }]],
    "GET /api/uploads/u1/parts/": [[200, { missing: [1], part_size: 5, size: 5 }]],
    "POST /api/uploads/u1/parts/": [[200, { ...TICKET, parts: [part] }]], "DELETE /api/uploads/u1/": [[204]],
  });
  const upload = new Broker({ fetch, storage: storage(), tries: 2 }).upload(FILE, { ad: 1 });
  await assert.rejects(upload, { code: "s3_refused", s3Code: "NoSuchUpload" });
  assert.equal(lines().at(-1), "DELETE /api/uploads/u1/");
});

for (const [status, body] of [[400, "<Error><Code>RequestTimeout</Code></Error>"], [408, "<html>"], [429, "<html>"]]) {
  test(`dead connections (${status}) are not reported and do not end an upload`, async (t) => {
    let dead = 6;
    t.mock.method(globalThis, "setTimeout", (act, time) => { if (!(time >= 30_000)) setImmediate(act); });
    t.mock.method(globalThis, "fetch", async () => (dead-- > 0
      ? new Response(body, { status }) : new Response(null, { status: 200 })));
    const { fetch, lines } = answers({
      "POST /api/ads/1/upload_image/": [[201, TICKET]], "POST /api/uploads/u1/confirm/": [[408, "<html>"], [200, IMAGE]],
    });
    assert.deepEqual(await new Broker({ fetch, storage: storage() }).upload(FILE, { ad: 1 }), IMAGE);
    assert.ok(!lines().some((line) => line.endsWith("failures/")));
  });
}
