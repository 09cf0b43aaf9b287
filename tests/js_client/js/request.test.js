// `request`: other requests to the API.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Broker } from "../../../clients/js/broker.js";
import { answers, refused, storage } from "./answers.js";

test("any request is retried with its idempotency key, and onWaiting is called", async () => {
  const { fetch, asked } = answers({ "POST /api/ads/": [refused("database_unavailable", 503), [201, { id: 7 }]] });
  const broker = new Broker({ fetch, storage: storage(), token: "t" });
  const waits = [];
  const ad = await broker.request("POST", "/api/ads/", {
    body: { title: "A lamp" }, idempotencyKey: "k", onWaiting: (error) => waits.push(error.code),
  });
  assert.equal(ad.id, 7);
  assert.deepEqual(waits, ["database_unavailable"]);
  assert.deepEqual(asked.map((one) => [one.key, one.token, one.body]), Array(2).fill(["k", "Bearer t", '{"title":"A lamp"}']));
});

test("a final refusal is not retried", async () => {
  const { fetch, asked } = answers({ "PATCH /api/ads/1/": [refused("validation_error", 422)] });
  const broker = new Broker({ fetch, storage: storage(), token: "t" });
  await assert.rejects(broker.request("PATCH", "/api/ads/1/", { body: { title: "" } }), { code: "validation_error" });
  assert.equal(asked.length, 1);
});

test("a gateway's own JSON is not taken for the broker's, and its 503 is retried", async (t) => {
  t.mock.method(globalThis, "setTimeout", (act, time) => time < 30_000 && setImmediate(act)); // no timeout fires
  const gateways = { code: 503, message: "no upstream" };
  const { fetch } = answers({ "GET /api/ads/1/": [[503, gateways], [200, { id: 1 }]], "GET /api/ads/2/": [[403, gateways]] });
  const broker = new Broker({ fetch, storage: storage() }), waits = [];
  assert.deepEqual(await broker.request("GET", "/api/ads/1/", { onWaiting: (error) => waits.push(error.code) }), { id: 1 });
  assert.deepEqual(waits, ["http_error"]);
  await assert.rejects(broker.request("GET", "/api/ads/2/"), { code: "http_error", status: 403 });
});

test("a date in Retry-After is compared with the answer's own Date, not with this machine's clock", async () => {
  const limited = refused("rate_limited", 429, { "Retry-After": "Fri, 31 Jan 2020 12:30:00 GMT", Date: "Fri, 31 Jan 2020 12:00:00 GMT" });
  const { fetch } = answers({ "GET /api/ads/1/": [limited] });
  await assert.rejects(new Broker({ fetch, storage: storage() }).request("GET", "/api/ads/1/"), { retryAfter: 1800 });
});
