// Reports about files that change, and about WebKit's progress events. A name begins with "report N:" or "progress:".
import assert from "node:assert/strict";
import { test } from "node:test";
import { Broker } from "../../../clients/js/broker.js";
import { Copies } from "../../../clients/js/copies.js";
import { Progress } from "../../../clients/js/progress.js";
import { IMAGE, TICKET, answers, storage } from "./answers.js";

const MIB = 2 ** 20;
const TABLE = { "POST /api/ads/1/upload_image/": [[201, TICKET]], "POST /api/uploads/u1/confirm/": [[200, IMAGE]] };

/** A file that the browser reads only `times` times, because reading it changes its modification time. */
function changing(times) {
  const file = new File(["photo"], "x.jpg", { type: "image/jpeg" });
  for (const method of ["arrayBuffer", "stream", "slice"]) {
    const read = file[method].bind(file);
    file[method] = (...given) => {
      if (times-- > 0) return read(...given);
      const fault = new DOMException("The requested file could not be read.", "NotReadableError");
      throw fault;
    };
  }
  return file;
}

test("report 20: a small file is read once, and its copy is hashed and sent", async (t) => {
  const sent = [];
  t.mock.method(globalThis, "fetch", async (url, { body }) => {
    sent.push(await body.text());
    return new Response(null, { headers: { ETag: '"1"' } });
  });
  const { fetch, asked } = answers(TABLE);
  assert.deepEqual(await new Broker({ fetch, storage: storage() }).upload(changing(1), { ad: 1 }), IMAGE);
  assert.deepEqual(sent, ["photo"]);
  const { checksum_sha256: digest } = JSON.parse(asked.find((one) => one.line.endsWith("upload_image/")).body);
  assert.equal(digest, Buffer.from(await crypto.subtle.digest("SHA-256", Buffer.from("photo"))).toString("base64"));
});

test("report 20: the copy is also sent again after a failure and after a pause", async (t) => {
  const sent = [], upload = {};
  t.mock.method(globalThis, "setTimeout", (act, time) => { if (!(time >= 30_000)) setImmediate(act); });
  t.mock.method(globalThis, "fetch", async (url, { body }) => {
    sent.push(await body.text());
    if (sent.length === 2) {
      upload.one.pause();
      upload.one.resume();
    }
    return new Response(null, sent.length < 3 ? { status: 500 } : { headers: { ETag: '"1"' } });
  });
  const { fetch } = answers({ ...TABLE, "POST /api/uploads/u1/renew/": [[200, TICKET]] });
  upload.one = new Broker({ fetch, storage: storage() }).upload(changing(1), { ad: 1 });
  assert.deepEqual(await upload.one, IMAGE);
  assert.deepEqual(sent, ["photo", "photo", "photo"]);
});

test("report 20: a file that cannot be read at all says what to do, and choosing it again works", async () => {
  const { fetch } = answers(TABLE), broker = new Broker({ fetch, storage: storage() }), phases = [];
  const upload = broker.upload(changing(0), { ad: 1, onProgress: ({ phase }) => phases.push(phase) });
  await assert.rejects(upload, { code: "file_unreadable", message: /Choose it again/ });
  assert.deepEqual(phases, ["failed"]);
  assert.deepEqual(await broker.upload(changing(1), { ad: 1 }), IMAGE);
});

/** An upload of a file of `size` MiB that holds no bytes. */
const uploadOf = (size, phase = "sending") => {
  const file = { size: size * MIB, stream: () => new Blob(["x"]).stream() };
  return { file, phase };
};
const NEVER = new AbortController().signal;
const isDone = async (promise) => {
  const pending = {};
  await new Promise(setImmediate);
  return (await Promise.race([promise, pending])) !== pending;
};

test("report 20: a large file is not copied", async () => {
  const large = uploadOf(33);
  assert.equal(await new Copies().take(large, NEVER), large.file);
});

test("report 20: all copies together have a limit, and a file waits until another upload has ended", async () => {
  const copies = new Copies(), [first, second, third] = [32, 32, 1].map((size) => uploadOf(size));
  assert.ok(await copies.take(first, NEVER) instanceof Blob);
  assert.ok(await copies.take(second, NEVER) instanceof Blob);
  const waiting = copies.take(third, NEVER);
  assert.equal(await isDone(waiting), false);
  copies.drop(second);
  assert.ok(await waiting instanceof Blob);
});

test("report 20: a file does not wait for an upload that is paused", async () => {
  const copies = new Copies(), [first, second, third] = [32, 32, 1].map((size) => uploadOf(size));
  await copies.take(first, NEVER);
  await copies.take(second, NEVER);
  const waiting = copies.take(third, NEVER);
  assert.equal(await isDone(waiting), false);
  second.phase = "paused";
  copies.check();
  assert.equal(await waiting, third.file);
});

test("report 20: a cancelled upload stops waiting, and an unreadable or cancelled file takes no room", async () => {
  const copies = new Copies(), stop = new AbortController(), broken = uploadOf(32);
  broken.file.stream = () => { throw new DOMException("", "NotReadableError"); };
  await assert.rejects(copies.take(broken, NEVER), { code: "file_unreadable" });
  const cancelled = copies.take(uploadOf(32), stop.signal);
  stop.abort();
  await assert.rejects(cancelled, { code: "aborted" });
  await copies.take(uploadOf(32), NEVER);
  await copies.take(uploadOf(32), NEVER);
  const late = new AbortController(), waiting = copies.take(uploadOf(32), late.signal);
  late.abort();
  await assert.rejects(waiting, { code: "aborted" });
});

test("report 20: photos that exceed the limit together are all uploaded, two at a time", async (t) => {
  t.mock.method(globalThis, "fetch", async () => new Response(null, { headers: { ETag: '"1"' } }));
  let reading = 0, most = 0, id = 0;
  const photo = (n) => {
    const file = new File([`photo ${n}`], `${n}.jpg`, { type: "image/jpeg" });
    Object.defineProperty(file, "size", { value: 30 * MIB });
    const read = file.stream.bind(file);
    file.stream = () => { most = Math.max(most, ++reading); return read(); };
    return file;
  };
  const fetch = async (url, { body }) => {
    if (url.endsWith("/profiles/")) return Response.json({ ad_image: { content_types: ["image/jpeg"], max_bytes: 2 ** 30 } });
    if (url.endsWith("/upload_images/")) return Response.json({ tickets: JSON.parse(body).files.map(() => ({ ...TICKET, id: `u${id++}` })) });
    return Response.json(IMAGE);
  };
  const onProgress = ({ phase }) => { if (phase === "done") reading--; };
  const outcomes = await new Broker({ fetch, storage: storage() }).uploadAll([1, 2, 3, 4, 5, 6].map(photo), { ad: 1, onProgress });
  assert.deepEqual(outcomes.map((one) => one.value), Array(6).fill(IMAGE));
  assert.equal(most, 2);
});

/** Let the test's clock end all waits. */
function clock(t) {
  const made = { now: 0, timers: new Map() };
  t.mock.method(performance, "now", () => made.now);
  t.mock.method(globalThis, "setTimeout", (act, time) => {
    const timer = Symbol("timer");
    made.timers.set(timer, { act, at: made.now + time });
    return timer;
  });
  t.mock.method(globalThis, "clearTimeout", (timer) => made.timers.delete(timer));
  made.tick = (duration) => {
    made.now += duration;
    for (const [timer, { act, at }] of made.timers) {
      if (at <= made.now) {
        made.timers.delete(timer);
        act();
      }
    }
  };
  return made;
}

test("progress: of WebKit's thousands of events at most ten a second and the last one are forwarded", (t) => {
  const time = clock(t), events = [];
  const progress = new Progress(3000, ({ phase, loaded }) => events.push([time.now, phase, loaded]));
  progress.set("sending", 0);
  for (let loaded = 1; loaded <= 3000; loaded++) {
    time.tick(1);
    progress.set("sending", loaded);
  }
  progress.set("confirming");
  assert.ok(events.length <= 33, String(events.length));
  assert.ok(events.length >= 30, String(events.length));
  assert.deepEqual(events.slice(-2), [[3000, "sending", 3000], [3000, "confirming", 3000]]);
});

test("progress: if no event follows, the last one is forwarded after a tenth of a second", (t) => {
  const time = clock(t), events = [];
  const progress = new Progress(100, ({ loaded }) => events.push(loaded));
  for (const loaded of [0, 10, 20, 30]) progress.set("sending", loaded);
  assert.deepEqual(events, [0]);
  time.tick(100);
  assert.deepEqual(events, [0, 30]);
  progress.set("sending", 40);
  progress.set("failed");
  time.tick(1000);
  assert.deepEqual(events, [0, 30, 40]);
});

test("progress: the stall timer sees every event", async (t) => {
  const time = clock(t), requests = [], events = [];
  t.after(() => { delete globalThis.XMLHttpRequest; });
  globalThis.XMLHttpRequest = class {
    upload = {}; status = 0; responseText = "";
    constructor() { requests.push(this); }
    open() {}
    setRequestHeader() {}
    getAllResponseHeaders() { return ""; }
    send() { this.started?.(); }
    abort() { this.aborted = true; this.onloadend(); }
  };
  const { fetch } = answers({ ...TABLE, "POST /api/uploads/u1/renew/": [[200, TICKET]], "DELETE /api/uploads/u1/": [[204]] });
  const onProgress = ({ phase, loaded, error }) => events.push([phase, loaded, error?.code]);
  const upload = new Broker({ fetch, storage: storage(), stallTimeout: 50, tries: 2 }).upload(new File(["x".repeat(1000)], "x.jpg", { type: "image/jpeg" }), { ad: 1, onProgress });
  while (!requests.length) await new Promise(setImmediate);
  const [request] = requests;
  for (let loaded = 1; loaded <= 400; loaded++) { // a byte each 40 ms: never forwarded faster than each 100 ms
    time.tick(40);
    request.upload.onprogress({ loaded, total: 1000 });
  }
  assert.equal(request.aborted, undefined);
  assert.ok(events.filter(([phase]) => phase === "sending").length <= 161);
  time.tick(51);
  assert.equal(request.aborted, true);
  assert.equal(await upload.cancel(), true);
  await assert.rejects(upload, { code: "aborted" });
});
