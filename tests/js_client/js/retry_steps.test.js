// tests/retry_cases.json: uploads and requests take the steps that the rules decide.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Broker } from "../../../clients/js/broker.js";
import { FILE, IMAGE, TICKET, answers, storage } from "./answers.js";

const { cases } = JSON.parse(readFileSync(new URL("../../retry_cases.json", import.meta.url)));
const firstTries = (phase) => cases
  .map(({ js = {}, python, ...shared }) => ({ ...shared, ...js }))
  .filter((row) => row.phase === phase && (row.tries ?? 1) === 1);

/** End waits at once, and record them. Timeouts of 30 s or more never fire. */
function recordWaits(t) {
  const waits = [];
  t.mock.method(globalThis, "setTimeout", (act, time) => {
    if (time >= 30_000 && !waits.expected?.includes(time)) return;
    waits.push(time);
    setImmediate(act);
  });
  t.mock.method(Math, "random", () => 1);
  return waits;
}

for (const row of firstTries("send")) {
  test(`S3's answer to a file: ${row.name}: ${row.action}`, async (t) => {
    const waits = recordWaits(t);
    const xml = `<Error><Code>${row.code}</Code><Message>${row.message ?? ""}</Message><RequestId>4442587FB7D0A2F9</RequestId></Error>`;
    const body = row.from === "proxy" ? "<html>" : row.status >= 300 ? xml : row.status === 204 ? null : "";
    const first = async () => {
      if (row.status === 0) throw new TypeError("Failed to fetch");
      return new Response(body, { status: row.status });
    };
    const sent = [first, async () => new Response("")];
    t.mock.method(globalThis, "fetch", () => sent.shift()());
    const { fetch, lines } = answers({
      "POST /api/ads/1/upload_image/": [[201, TICKET]], "POST /api/uploads/u1/renew/": [[200, TICKET]],
      "POST /api/uploads/u1/failures/": [[200, { action: "confirm" }]], "DELETE /api/uploads/u1/": [[204]],
      "POST /api/uploads/u1/confirm/": [[200, IMAGE]],
    });
    const upload = new Broker({ fetch, storage: storage() }).upload(FILE, { ad: 1 });
    if (row.action === "give_up") await assert.rejects(upload, { code: "s3_refused", s3Code: row.code });
    else assert.deepEqual(await upload, IMAGE);
    assert.equal(sent.length, ["retry", "renew"].includes(row.action) ? 0 : 1);
    assert.equal(lines().includes("POST /api/uploads/u1/renew/"), row.action === "renew");
    assert.equal(lines().includes("POST /api/uploads/u1/failures/"), row.action === "report");
    if (row.action === "retry") assert.ok(waits.includes(row.after_seconds * 1000));
  });
}

for (const row of firstTries("request")) {
  test(`the answer to a request: ${row.name}: ${row.action}`, async (t) => {
    const waits = recordWaits(t);
    const wait = row.after_seconds * 1000;
    waits.expected = [wait];
    const isBroken = row.from === "proxy", headers = row.retry_after === undefined ? {} : { "Retry-After": String(row.retry_after) };
    const { fetch, asked } = answers({
      "GET /api/ads/1/": [[row.status, isBroken ? "<html>" : { code: row.code, detail: "No." }, headers], [200, { id: 1 }]],
    });
    let tokens = 0;
    const request = new Broker({ fetch, storage: storage(), token: () => `token ${++tokens}` }).request("GET", "/api/ads/1/");
    if (row.action === "give_up") await assert.rejects(request, { code: row.code ?? "http_error", status: row.status });
    else assert.deepEqual(await request, { id: 1 });
    assert.equal(asked.length, row.action === "give_up" ? 1 : 2);
    assert.equal(tokens, row.action === "sign_in" ? 2 : 1);
    if (row.action === "retry" && wait) assert.ok(waits.includes(wait));
  });
}
