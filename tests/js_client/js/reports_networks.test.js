// Reports about S3's errors and about what answers in between. Each test is named after its report.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Broker } from "../../../clients/js/broker.js";
import { FILE, IMAGE, TICKET, answers, storage } from "./answers.js";

const S3_ERROR = (code) => `<?xml version="1.0"?><Error><Code>${code}</Code><Message>No.</Message></Error>`;

/** Upload a file while S3 answers from `bucket`. The last answer repeats. Returns what happened. */
async function upload(t, bucket, { advice = "give_up", table = {} } = {}) {
  const waits = [], list = [...bucket];
  t.mock.method(globalThis, "setTimeout", (act, time) => {
    if (time >= 30_000) return; // a request's timeout never fires
    if (time !== undefined) waits.push(time); // the hashing sets a timer without a time
    setImmediate(act);
  });
  t.mock.method(Math, "random", () => 0);
  const { mock } = t.mock.method(globalThis, "fetch", async () => {
    const [status, body, headers] = list.length > 1 ? list.shift() : list[0];
    return new Response(body, { status, headers });
  });
  const { fetch, lines } = answers({
    "POST /api/ads/1/upload_image/": [[201, TICKET]], "POST /api/uploads/u1/renew/": [[200, TICKET]],
    "POST /api/uploads/u1/failures/": [[200, { action: advice }]], "DELETE /api/uploads/u1/": [[204]],
    "POST /api/uploads/u1/confirm/": [[200, IMAGE]], ...table,
  });
  const kept = storage();
  const outcome = await new Broker({ fetch, storage: kept }).upload(FILE, { ad: 1 })
    .then((image) => ({ image }), (error) => ({ error }));
  return { ...outcome, waits, lines: lines(), sent: mock.callCount(), kept: [...kept.map.values()] };
}

test("report 12: NotImplemented is final at once and releases the slot", async (t) => {
  const { error, waits, lines, sent, kept } = await upload(t, [[501, S3_ERROR("NotImplemented")]]);
  assert.deepEqual([error.code, error.s3Code, sent, waits], ["s3_refused", "NotImplemented", 1, []]);
  assert.ok(lines.includes("DELETE /api/uploads/u1/"));
  assert.deepEqual(kept, []);
});

const PORTAL = "<!DOCTYPE html><html><title>Sign in to the Wi-Fi</title></html>";
const ARRIVED = [200, "", { ETag: '"1"' }];

for (const status of [302, 403, 407, 412]) {
  test(`report 10: a captive portal's ${status} is retried and cancels nothing`, async (t) => {
    const page = [status, PORTAL, { "Content-Type": "text/html" }];
    const { image, lines, sent } = await upload(t, [page, page, ARRIVED]);
    assert.deepEqual([image, sent], [IMAGE, 3]);
    assert.ok(!lines.some((line) => line.includes("failures/") || line.startsWith("DELETE")));
  });
}

test("report 10: behind a captive portal the upload is given up for now, but kept", async (t) => {
  const { error, lines, sent, kept } = await upload(t, [[403, PORTAL]]);
  assert.deepEqual([error.code, error.status, sent, kept[0].uploadId], ["http_error", 403, 8, "u1"]);
  assert.ok(!lines.some((line) => line.includes("failures/") || line.startsWith("DELETE")));
});

for (const status of [302, 403, 407]) {
  test(`report 10: a captive portal's ${status} for the broker is retried`, async (t) => {
    const table = { "POST /api/ads/1/upload_image/": [[status, PORTAL], [201, TICKET]] };
    const { image } = await upload(t, [ARRIVED], { table });
    assert.deepEqual(image, IMAGE);
  });
}

for (const headers of [{}, { ETag: '"65a1-2b60"' }]) {
  test(`report 11: a page with status 200 is not S3's answer: ${JSON.stringify(headers)}`, async (t) => {
    const { image, lines, sent } = await upload(t, [[200, PORTAL, headers], ARRIVED]);
    assert.deepEqual([image, sent], [IMAGE, 2]);
    assert.equal(lines.filter((line) => line.includes("confirm/")).length, 1);
  });
}
