// tests/retry_cases.json: the retry rules that the JS client, the Python client and the broker share.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { RULES, RetryPolicy } from "../../../clients/js/retry-policy.js";
import { isFromS3 } from "../../../clients/js/s3.js";

const { answers, cases } = JSON.parse(readFileSync(new URL("../../retry_cases.json", import.meta.url)));
const policy = new RetryPolicy({ random: () => 1 });
const OWN_CODES = { proxy: "http_error", nobody: "network" };
const fromProxy = (row) => ["send", "part"].includes(row.phase) && row.from === "proxy";

for (const { js = {}, python, ...shared } of cases) {
  const row = { code: OWN_CODES[shared.from], ...shared, ...js };
  test(`${row.phase}: ${row.name}: ${row.action}`, () => {
    const { action, waitMs, exhausted } = policy.decide(
      row.phase,
      { status: row.status, code: row.code, message: row.message ?? "", retryAfter: row.retry_after ?? null, resumed: row.resumed, fromProxy: fromProxy(row) },
      { tries: row.tries, renewals: row.renewals, checks: row.checks },
    );
    assert.equal(exhausted ? "give_up" : action, row.action);
    if (row.after_seconds !== undefined && !exhausted) assert.equal(waitMs, row.after_seconds * 1000);
  });
}

for (const { js = {}, python, ...shared } of answers) {
  const { name, status, body, headers = {}, from } = { ...shared, ...js };
  test(`who answered: ${name}: ${from}`, () => {
    assert.equal(isFromS3({ status, text: body, headers: new Headers(headers) }), from === "s3");
  });
}

test("every retry rule decides at least one case", () => {
  const used = new Set(cases.map(({ js = {}, python, ...shared }) => {
    const row = { code: OWN_CODES[shared.from], message: "", ...shared, ...js };
    return policy.ruleOf(row.phase, { ...row, fromProxy: fromProxy(row), retryAfter: row.retry_after ?? null }, row.tries ?? 1);
  }));
  assert.deepEqual(RULES.filter((rule) => !used.has(rule)), []);
});
