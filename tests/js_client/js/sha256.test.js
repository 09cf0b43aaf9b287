// Our SHA-256 compared with OpenSSL's.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { test } from "node:test";
import { Sha256, sha256 } from "../../../clients/js/sha256-worker.js";

const expected = (bytes) => createHash("sha256").update(bytes).digest();

test("every length up to three blocks, in any slices, has OpenSSL's digest", () => {
  for (let length = 0; length <= 192; length++) {
    const bytes = randomBytes(length);
    for (const cut of new Set([0, 1, length >> 1, Math.max(0, length - 1), length])) {
      const hash = new Sha256();
      hash.update(bytes.subarray(0, Math.min(cut, length)));
      hash.update(bytes.subarray(Math.min(cut, length)));
      assert.deepEqual(Buffer.from(hash.digest()), expected(bytes), `${length} cut at ${cut}`);
    }
  }
});

test("a length above 32 bits is counted correctly", () => {
  const zeros = new Uint8Array(2 ** 20), hash = new Sha256(), theirs = createHash("sha256");
  for (let i = 0; i < 8; i++) hash.update(zeros), theirs.update(zeros);
  assert.deepEqual(Buffer.from(hash.digest()), theirs.digest());
  // The example of FIPS 180-4: a million times `a`, in slices of odd lengths.
  const as = new Sha256(), piece = new Uint8Array(1000 / 8).fill(97);
  for (let i = 0; i < 8000; i++) as.update(piece);
  assert.equal(Buffer.from(as.digest()).toString("hex"), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
});

for (const [way, subtle] of [["by WebCrypto", crypto.subtle], ["in slices, without WebCrypto", undefined]]) {
  test(`a Blob is read to its end, and its digest is base64 (${way})`, async (t) => {
    t.mock.getter(crypto, "subtle", () => subtle);
    for (const size of [3_000_001, 0, 200_000]) {
      const bytes = randomBytes(size), loaded = [];
      assert.equal(await sha256(new Blob([bytes]), (n) => loaded.push(n)), expected(bytes).toString("base64"));
      assert.equal(loaded.at(-1) ?? 0, size);
      assert.deepEqual(loaded, [...loaded].sort((one, other) => one - other));
    }
  });

  test(`Blobs that are hashed at the same time do not disturb each other (${way})`, async (t) => {
    t.mock.getter(crypto, "subtle", () => subtle);
    const all = Array.from({ length: 5 }, (_, n) => randomBytes(700_000 - n));
    const found = await Promise.all(all.map((bytes) => sha256(new Blob([bytes]))));
    assert.deepEqual(found, all.map((bytes) => expected(bytes).toString("base64")));
  });

  test(`hashing stops when \`stopped\` returns true (${way})`, async (t) => {
    t.mock.getter(crypto, "subtle", () => subtle);
    let read = 0;
    assert.equal(await sha256(new Blob([new Uint8Array(5e6)]), (n) => (read = n), () => read > 0), null);
    assert.ok(read < 5e6);
  });
}

test("a Blob of more than 32 MiB is not kept in memory", async (t) => {
  const digest = t.mock.method(crypto.subtle, "digest");
  const bytes = new Uint8Array(32 * 2 ** 20 + 1);
  assert.equal(await sha256(new Blob([bytes])), expected(bytes).toString("base64"));
  assert.equal(digest.mock.callCount(), 0);
  await sha256(new Blob([bytes.subarray(1)]));
  assert.equal(digest.mock.callCount(), 1);
});
