// Alt text and order of an image whose upload an earlier page started.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Broker } from "../../../clients/js/broker.js";
import { FILE, IMAGE, TICKET, answers, refused, storage } from "./answers.js";

const PATCH = "PATCH /api/ads/1/images/1/";

/** Start an upload with some options, and choose the same file again with other options. Returns the image and the PATCH requests. */
async function twice(before, after, { recorded, patched = [[200, { ...IMAGE, id: 1, alt_text: "patched" }]] }) {
  const kept = storage();
  const first = answers({
    "POST /api/ads/1/upload_image/": [[201, TICKET]], "POST /api/uploads/u1/confirm/": [refused("storage_denied", 503)],
  });
  await assert.rejects(new Broker({ fetch: first.fetch, storage: kept }).upload(FILE, { ad: 1, ...before }), { code: "storage_denied" });
  const { fetch, asked } = answers({ "POST /api/uploads/u1/confirm/": [[200, { ...IMAGE, ...recorded }]], [PATCH]: patched });
  const image = await new Broker({ fetch, storage: kept, tries: 2 }).upload(FILE, { ad: 1, ...after });
  return { image, asked, sent: asked.filter((one) => one.line === PATCH).map((one) => JSON.parse(one.body)) };
}

test("only values that the page passes and that differ are sent", async () => {
  const recorded = { alt_text: "front", order: 3 };
  assert.deepEqual((await twice({}, { order: 5 }, { recorded })).sent, [{ order: 5 }]);
  assert.deepEqual((await twice({}, { altText: "side" }, { recorded })).sent, [{ alt_text: "side" }]);
  assert.deepEqual((await twice({}, { altText: "side", order: 3 }, { recorded })).sent, [{ alt_text: "side" }]);
  assert.deepEqual((await twice({}, { altText: "front", order: 3 }, { recorded })).sent, []);
});

test("an empty alt text does not delete the ticket's alt text", async () => {
  const recorded = { alt_text: "front", order: 0 };
  for (const after of [{}, { altText: "" }, { altText: undefined }, { altText: "", order: null }]) {
    const { sent, image } = await twice({ altText: "front" }, after, { recorded });
    assert.deepEqual(sent, []);
    assert.equal(image.alt_text, "front");
  }
});

for (const [what, answer] of [
  ["a 404", refused("not_found", 404)], ["a 422", refused("validation_error", 422)],
  ["a 503", refused("storage_denied", 503)], ["no answer", [0]],
]) {
  test(`if the alt text cannot be set (${what}), the upload still resolves to its image`, async () => {
    const { image, asked } = await twice({}, { altText: "side" }, { recorded: {}, patched: [answer] });
    assert.deepEqual(image, IMAGE);
    assert.deepEqual(asked.filter((one) => one.line.includes("upload_image")), []);
  });
}

test("the page that started the upload does not overwrite changes that others made since", async () => {
  const { fetch, lines } = answers({
    "POST /api/ads/1/upload_image/": [[201, TICKET]], "POST /api/uploads/u1/confirm/": [[0], [200, { ...IMAGE, alt_text: "of the phone" }]],
  });
  const image = await new Broker({ fetch, storage: storage() }).upload(FILE, { ad: 1, altText: "mine" });
  assert.equal(image.alt_text, "of the phone");
  assert.ok(!lines().includes(PATCH));
});
