// Functions that need no browser: waiting, error answers, forms.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Broker, BrokerError } from "../../../clients/js/broker.js";
import { problemOf } from "../../../clients/js/errors.js";
import { pathOf } from "../../../clients/js/owners.js";
import { contentTypeOf, declared, nameOf } from "../../../clients/js/records.js";
import { backoff } from "../../../clients/js/retry-policy.js";
import { bodyOf, s3ErrorOf } from "../../../clients/js/s3.js";
import { Slots, rest } from "../../../clients/js/waiting.js";
import { gate } from "./answers.js";

test("the backoff doubles up to half a minute, and half of it is random", () => {
  const most = [1, 2, 3, 4, 5, 6, 7, 8, 20].map((tries) => backoff(tries, () => 1));
  assert.deepEqual(most, [500, 1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000]);
  assert.equal(backoff(3, () => 0), 1000);
});

test("a problem keeps its code, its fields and Retry-After", async () => {
  const body = JSON.stringify({ code: "validation_error", detail: "No.", errors: { size: ["Too much."] } });
  const error = await problemOf(new Response(body, { status: 422, headers: { "Retry-After": "7" } }));
  assert.ok(error instanceof BrokerError);
  const { code, status, detail, errors, retryAfter, message } = error;
  assert.deepEqual({ code, status, detail, errors, retryAfter, message }, {
    code: "validation_error", status: 422, detail: "No.", errors: { size: ["Too much."] }, retryAfter: 7, message: "No.",
  });
});

test("a proxy's error page becomes http_error", async () => {
  const error = await problemOf(new Response("<h1>Bad gateway</h1>", { status: 502 }));
  assert.deepEqual([error.code, error.status, error.retryAfter], ["http_error", 502, null]);
});

test("S3's error is read from its XML, in a form that can be reported", () => {
  const text = `<?xml version="1.0"?>\n<Error><Code>AccessDenied</Code><Message>a &lt;b&gt; &amp;amp; \u0000c</Message></Error>`;
  assert.deepEqual(s3ErrorOf({ status: 403, text }), { code: "AccessDenied", message: "a <b> &amp; c" });
  assert.deepEqual(s3ErrorOf({ status: 400, text: "" }), { code: "HTTP400", message: "" });
  assert.equal([...s3ErrorOf({ status: 400, text: `<Message>${"ä".repeat(2000)}</Message>` }).message].length, 1000);
});

test("a form has the file last, and a PUT has only the bytes", async () => {
  const blob = new Blob(["x"]);
  const form = bodyOf({ method: "POST", fields: { key: "media/x", policy: "p" } }, blob);
  assert.deepEqual([...form.keys()], ["key", "policy", "file"]);
  assert.equal(bodyOf({ method: "PUT" }, blob), blob);
});

test("report 22: a form names the content type of the file", async () => {
  for (const type of ["", "image/jpg", "image/jpeg"]) {
    const form = bodyOf({ method: "POST", fields: { "Content-Type": "image/jpeg" } }, new Blob(["photo"], { type }));
    assert.equal(form.get("file").type, "image/jpeg");
    assert.equal(await form.get("file").text(), "photo");
  }
});

test("file names are cleaned for the API, and types that browsers do not know are found", () => {
  assert.equal(nameOf({ name: "a\u0000\u202eb\n.jpg" }), "ab.jpg");
  assert.equal(nameOf(new Blob()), "image");
  assert.equal(nameOf({ name: `${"x".repeat(300)}.jpg` }), `${"x".repeat(251)}.jpg`); // the end has the extension
  assert.equal(nameOf({ name: "😀".repeat(300) }).length, 510); // the API counts code points
  assert.equal(contentTypeOf({ name: "IMG_1.HEIC", type: "" }), "image/heic");
  assert.equal(contentTypeOf({ name: "x.jpg", type: "image/png" }), "image/png");
  assert.equal(contentTypeOf({ name: "x", type: "" }), "application/octet-stream");
});

test("an owner is an ad, a user or one of a profile, and only an avatar has no alt text", () => {
  for (const wrong of [undefined, {}, { ad: 1, user: 1 }, { profile: "invoice" }, { owner: "7" }, { ad: 1, profile: "invoice", owner: "7" },
    { profile: "invoice", owner: "" }, { profile: "invoice", owner: null }]) assert.throws(() => pathOf(wrong), TypeError);
  const record = { name: "x", type: "image/png", size: 1, digest: "d", altText: "a", order: 1 };
  assert.equal(declared({ ...record, owner: pathOf({ ad: 1 }) }).alt_text, "a");
  assert.equal(declared({ ...record, owner: pathOf({ profile: "invoice", owner: "7" }) }).alt_text, "a");
  assert.deepEqual(Object.keys(declared({ ...record, owner: pathOf({ user: 1 }) })),
    ["file_name", "content_type", "size", "checksum_sha256"]);
});

test("no more slots are taken than there are, and an aborted wait takes none", async () => {
  const slots = new Slots(1), stop = new AbortController();
  const { signal } = new AbortController(), first = gate(), order = [];
  const held = slots.hold(signal, async () => { order.push("first"); await first.promise; });
  const refused = slots.hold(stop.signal, async () => order.push("refused"));
  const next = slots.hold(signal, async () => order.push("next"));
  stop.abort();
  await assert.rejects(refused, { code: "aborted" });
  assert.deepEqual(order, ["first"]);
  first.open();
  await Promise.all([held, next]);
  assert.deepEqual(order, ["first", "next"]);
});

test("a slot is released if its holder fails", async () => {
  const slots = new Slots(1), { signal } = new AbortController();
  await assert.rejects(slots.hold(signal, async () => { throw new Error("lost"); }), /lost/);
  assert.equal(await slots.hold(signal, async () => "next"), "next");
});

test("a wait ends when it is aborted", async () => {
  const stop = new AbortController();
  const waiting = rest(60_000, stop.signal);
  stop.abort();
  await assert.rejects(waiting, { code: "aborted" });
});

test("a concurrency below 1 is refused", () => {
  for (const concurrency of [0, NaN, -1]) assert.throws(() => new Broker({ concurrency }), RangeError);
});
