// `srcset` and placeholders for the page's <img>.
import assert from "node:assert/strict";
import { test } from "node:test";
import { inflateSync } from "node:zlib";
import { placeholderOf, srcsetOf } from "../../../clients/js/broker.js";

const variant = (width) => ({ width, height: width, content_type: "image/webp", url: `http://media.example/main_w${width}.webp` });
const IMAGE = { image_url: "http://media.example/main.jpg", width: 1000, variants: [variant(320), variant(800)] };

/** Return width, height and pixels of a PNG without compression. */
function read(url) {
  const png = Buffer.from(url.replace(/^data:image\/png;base64,/, ""), "base64");
  const [width, height] = [png.readUInt32BE(16), png.readUInt32BE(20)];
  const data = inflateSync(png.subarray(41, 41 + png.readUInt32BE(33))); // checks the Adler-32 too
  assert.equal(data.length, (width * 4 + 1) * height);
  assert.equal(png.subarray(-12).toString("hex"), "0000000049454e44ae426082"); // IEND with its CRC-32
  const pixel = (x, y) => [...data.subarray(y * (width * 4 + 1) + 1 + x * 4).subarray(0, 4)];
  return { width, height, pixel };
}

const near = (pixel, other) => pixel.forEach((value, i) => assert.ok(Math.abs(value - other[i]) <= 1, `${pixel} ${other}`));

test("`srcset` has all variants and the image itself", () => {
  assert.equal(srcsetOf(IMAGE), "http://media.example/main_w320.webp 320w, http://media.example/main_w800.webp 800w, http://media.example/main.jpg 1000w");
});

test("`srcset` has no width twice and no unknown width, and is empty without variants", () => {
  const both = "http://media.example/main_w320.webp 320w, http://media.example/main_w800.webp 800w";
  assert.equal(srcsetOf({ ...IMAGE, width: 800 }), both);
  assert.equal(srcsetOf({ ...IMAGE, width: null }), both);
  assert.equal(srcsetOf({ ...IMAGE, variants: [] }), "");
  assert.equal(srcsetOf({ image_url: "http://media.example/main.jpg" }), ""); // a release before 0.4
});

test("a placeholder has the colours of the thumbhash", () => {
  // The pixels are those that the reference decoder of https://evanw.github.io/thumbhash/ returns.
  const { width, height, pixel } = read(placeholderOf({ thumbhash: "1QcSHQRnh493V4dIh4eXh1h4kJUI" }));
  assert.deepEqual([width, height], [23, 32]);
  near(pixel(0, 0), [64, 77, 113, 255]);
  near(pixel(16, 0), [98, 112, 135, 255]);
  near(pixel(10, 16), [143, 112, 91, 255]);
  near(pixel(22, 31), [0, 4, 39, 255]);
});

test("a placeholder is as transparent as the thumbhash", () => {
  const { width, height, pixel } = read(placeholderOf({ thumbhash: "G+uGG4xJQHWId3dAd/d7eI91iIiIeIg=" }));
  assert.deepEqual([width, height], [32, 19]);
  near(pixel(0, 0), [194, 0, 42, 255]);
  near(pixel(10, 10), [212, 73, 48, 255]);
  near(pixel(31, 18), [205, 116, 45, 97]);
});

for (const thumbhash of [null, undefined, "", "AAAA", "%", "1QcSHQRnh493V4dIh4eXh1h4"]) {
  test(`there is no placeholder for the thumbhash ${thumbhash}`, () => {
    assert.equal(placeholderOf({ thumbhash }), null);
  });
}
