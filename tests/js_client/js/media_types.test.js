// tests/media_types.json: the types that the JS client knows.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { MEDIA_TYPES, mediaTypeOf } from "../../../clients/js/media-types.js";
import { contentTypeOf } from "../../../clients/js/records.js";

const shared = JSON.parse(readFileSync(new URL("../../media_types.json", import.meta.url)));

test("the JS client knows the shared types and no others", () => {
  const known = { ...shared.types, ...shared.documents };
  assert.deepEqual(new Set(Object.values(MEDIA_TYPES)), new Set(Object.keys(known)));
  for (const [type, extension] of Object.entries(known)) assert.equal(MEDIA_TYPES[extension], type);
  const extensions = [...shared.file_names, ...shared.documents_named].map(({ name }) => name.split(".")[1]);
  for (const extension of Object.keys(MEDIA_TYPES)) assert.ok(extensions.includes(extension), extension);
});

for (const { name, type } of [...shared.file_names, ...shared.documents_named]) {
  test(`the type of a file named ${name}`, () => {
    assert.equal(mediaTypeOf(name, undefined, ""), type ?? "application/octet-stream");
  });
}

for (const { name, declared, type } of shared.declared) {
  test(`report 17: the JS client declares the usual name of ${JSON.stringify(declared)} for ${name}`, () => {
    for (const found of [mediaTypeOf(name, declared, ""), mediaTypeOf(name, undefined, declared)]) {
      assert.equal(Object.hasOwn(shared.types, found) ? found : null, type);
    }
  });
}

for (const { name, declared, type } of shared.documents_declared) {
  test(`the JS client declares the usual name of a document's type ${JSON.stringify(declared)} for ${name}`, () => {
    const known = { ...shared.types, ...shared.documents };
    for (const found of [mediaTypeOf(name, declared, ""), mediaTypeOf(name, undefined, declared)]) {
      assert.equal(Object.hasOwn(known, found) ? found : null, type);
    }
  });
}

test("report 17: the extension counts in a name that is cut to 255 characters", () => {
  assert.equal(contentTypeOf({ name: `${"x".repeat(300)}.heic`, type: "" }), "image/heic");
});

test("a type from the caller comes before the browser's, and both before the extension", () => {
  assert.equal(mediaTypeOf("photo.jpg", "image/png", "image/gif"), "image/png");
  assert.equal(mediaTypeOf("photo.jpg", undefined, "image/gif"), "image/gif");
});
