// Owners of any profile: paths, limits, stored records, and files.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Broker, srcsetOf } from "../../../clients/js/broker.js";
import { IMAGE, PROFILE, TICKET, answers, refused, storage } from "./answers.js";

const PRODUCT = { profile: "product_image", owner: "42" }, INVOICE = { profile: "invoice", owner: "order-7" };
const AT = "/api/owners/product_image/42", FILES = "/api/owners/invoice/order-7/files/";
const PHOTO = new File(["photo"], "x.jpg", { type: "image/jpeg", lastModified: 1 });
const PROFILES = [[200, {
  ad_image: PROFILE, product_image: { ...PROFILE, max_count: 0 },
  invoice: { ...PROFILE, content_types: ["application/pdf"], inspection: "off", visibility: "private" },
}]];
const shop = (table) => answers({ "GET /api/profiles/": PROFILES, ...table });
const ticket = (id) => ({ ...TICKET, id });

test("a file of a profile gets its ticket below the owner's path", async () => {
  const { fetch, asked } = shop({ [`POST ${AT}/uploads/`]: [[201, TICKET]], "POST /api/uploads/u1/confirm/": [[200, IMAGE]] });
  const upload = new Broker({ fetch, storage: storage() }).upload(PHOTO, { ...PRODUCT, altText: "front", order: 3 });
  assert.deepEqual(await upload, IMAGE);
  const { file_name, alt_text, order } = JSON.parse(asked.find((one) => one.key).body);
  assert.deepEqual([file_name, alt_text, order], ["x.jpg", "front", 3]);
});

test("several files of a profile get their tickets at the owner's path, and no more than there are slots", async () => {
  const other = new File(["other"], "y.jpg", { type: "image/jpeg" });
  const { fetch, lines } = shop({
    [`POST ${AT}/uploads/batch/`]: [[201, { tickets: [ticket("u1")] }], [201, { tickets: [ticket("u2")] }], [201, { tickets: [ticket("u3")] }], refused("image_limit_reached", 409)],
    ...Object.fromEntries(["u1", "u2", "u3"].map((id, n) => [`POST /api/uploads/${id}/confirm/`, [[200, { ...IMAGE, id: n }]]])),
  });
  const broker = () => new Broker({ fetch, storage: storage() });
  assert.deepEqual((await broker().uploadAll([PHOTO, other], PRODUCT)).map((one) => one.value.id), [0, 1]);
  const ends = await broker().uploadAll([PHOTO, other], PRODUCT);
  assert.deepEqual(ends.map((one) => one.value?.id ?? one.reason.code), [2, "image_limit_reached"]);
  assert.ok(!lines().includes(`POST ${AT}/uploads/`));
  assert.throws(() => broker().uploadAll([PHOTO], { user: 1 }), TypeError);
});

test("a document without a type is named by its extension and checked against its own profile", async () => {
  const { fetch, asked } = shop({ "POST /api/owners/invoice/order-7/uploads/": [[201, TICKET]], "POST /api/uploads/u1/confirm/": [[200, { ...IMAGE, image_url: null }]] });
  const broker = new Broker({ fetch, storage: storage() });
  assert.equal((await broker.upload(new File(["%PDF"], "Rechnung.PDF"), INVOICE)).image_url, null);
  assert.equal(JSON.parse(asked.find((one) => one.key).body).content_type, "application/pdf");
  await assert.rejects(broker.upload(PHOTO, INVOICE), { code: "validation_error", errors: { content_type: ["Must be one of: application/pdf."] } });
  await assert.rejects(broker.upload(new File(["%PDF"], "a.pdf"), PRODUCT), { code: "validation_error" });
  assert.equal(asked.filter((one) => one.key).length, 1);
});

test("a profile for any file takes files of every type, under the type that the browser names", async () => {
  const { fetch, asked } = answers({
    "GET /api/profiles/": [[200, { model: { ...PROFILE, content_types: ["application/octet-stream"] } }]],
    "POST /api/owners/model/1/uploads/": [[201, TICKET]], "POST /api/uploads/u1/confirm/": [[200, IMAGE]],
  });
  const broker = new Broker({ fetch, storage: storage() });
  for (const file of [new File(["solid"], "a.stl"), PHOTO]) assert.deepEqual(await broker.upload(file, { profile: "model", owner: "1" }), IMAGE);
  assert.deepEqual(asked.filter((one) => one.key).map((one) => JSON.parse(one.body).content_type), ["application/octet-stream", "image/jpeg"]);
});

test("a profile that the broker does not have is refused before a ticket is requested", async () => {
  const { fetch, lines } = shop({}), kept = storage();
  for (const profile of ["nothing", "constructor"]) {
    await assert.rejects(new Broker({ fetch, storage: kept }).upload(PHOTO, { profile, owner: "1" }), { code: "not_found", status: 404 });
  }
  assert.deepEqual([new Set(lines()), kept.map.size], [new Set(["GET /api/profiles/"]), 0]);
});

test("a name that is no path segment cannot reach another path", async () => {
  const { fetch, lines } = shop({});
  await assert.rejects(new Broker({ fetch, storage: storage() }).files({ profile: "product_image", owner: "../../ads/7?x#y" }));
  assert.deepEqual(lines(), ["GET /api/owners/product_image/..%2F..%2Fads%2F7%3Fx%23y/files/"]);
});

test("an interrupted upload is resumed with the profile and owner of its record", async () => {
  const kept = storage(), late = refused("storage_denied", 503);
  const first = shop({ [`POST ${AT}/uploads/`]: [[201, TICKET]], "POST /api/uploads/u1/confirm/": [late] });
  await assert.rejects(new Broker({ fetch: first.fetch, storage: kept }).upload(PHOTO, PRODUCT), { code: "storage_denied" });
  const { fetch, lines } = shop({ "POST /api/uploads/u1/confirm/": [[200, IMAGE]] });
  const broker = new Broker({ fetch, storage: kept });
  const [left] = await broker.resumable(PRODUCT);
  assert.deepEqual([left.id, left.profile, left.owner, left.ad], ["u1", "product_image", "42", undefined]);
  assert.deepEqual(await broker.resumable({ profile: "product_image", owner: "43" }), []);
  assert.deepEqual(await broker.resumable({ ad: 42 }), []);
  assert.deepEqual(await broker.resume(left.id, PHOTO), IMAGE);
  assert.ok(!lines().some((line) => line.startsWith("POST /api/owners/")));
});

test("a record of an earlier release is resumed", async () => {
  const kept = storage(), { fetch, lines } = shop({ "POST /api/uploads/u5/confirm/": [[200, IMAGE]] });
  const digest = "o5zTqyvAdl6x0yxg2fXCw6vuXp+sWlWEEo+IhpUoL8Y=";
  kept.put({
    key: "k", base: "", owner: "/api/ads/7", name: "x.jpg", size: 5, type: "image/jpeg", lastModified: 1, digest, altText: "", order: 0,
    uploadId: "u5", method: "PUT", sent: true, request: null, index: null, startedAt: Date.now(),
  });
  const broker = new Broker({ fetch, storage: kept });
  assert.equal((await broker.resumable({ ad: 7 }))[0].ad, 7);
  await assert.rejects(broker.resume("u5", PHOTO), { code: "file_mismatch" });
  kept.put({ ...kept.all()[0], digest: Buffer.from(await crypto.subtle.digest("SHA-256", await PHOTO.arrayBuffer())).toString("base64") });
  assert.deepEqual(await broker.upload(PHOTO, { ad: 7 }), IMAGE);
  assert.deepEqual(lines(), ["GET /api/profiles/", "POST /api/uploads/u5/confirm/"]);
});

test("an upload of another device is resumed at the owner that the broker names", async () => {
  const found = { purpose: "product_image", owner: "42", size: 5, content_type: "image/jpeg", transport: "put" };
  const { fetch, lines } = shop({
    "GET /api/uploads/u4/": [[200, found]], "POST /api/uploads/u4/renew/": [refused("upload_expired", 410)],
    [`POST ${AT}/uploads/`]: [[201, TICKET]], "POST /api/uploads/u1/confirm/": [[200, IMAGE]],
  });
  assert.deepEqual(await new Broker({ fetch, storage: storage() }).resume("u4", PHOTO), IMAGE);
  assert.ok(lines().includes(`POST ${AT}/uploads/`));
});

test("a resumed upload changes the text of its file below the owner's path", async () => {
  const kept = storage(), table = { [`POST ${AT}/uploads/`]: [[201, TICKET]] };
  const first = shop({ ...table, "POST /api/uploads/u1/confirm/": [refused("storage_denied", 503)] });
  await assert.rejects(new Broker({ fetch: first.fetch, storage: kept }).upload(PHOTO, PRODUCT));
  const file = { id: 1, key: "k", url: "https://media.example/k", alt_text: "side", order: 2 };
  const { fetch, asked } = shop({ "POST /api/uploads/u1/confirm/": [[200, IMAGE]], [`PATCH ${AT}/files/1/`]: [[200, file]] });
  const image = await new Broker({ fetch, storage: kept }).upload(PHOTO, { ...PRODUCT, altText: "side", order: 2 });
  assert.deepEqual(image, { ...IMAGE, alt_text: "side", order: 2 }); // still an image, not a file
  assert.deepEqual(JSON.parse(asked.at(-1).body), { alt_text: "side", order: 2 });
});

test("files are listed in pages, changed and deleted", async () => {
  const page = { results: [{ id: 1, url: "https://s3.example/signed", url_expires_at: "2026-01-01T00:05:00Z" }], next_cursor: "a b" };
  const { fetch, asked, lines } = shop({
    [`GET ${FILES}`]: [[200, page]], [`GET ${FILES}?limit=10&cursor=a+b`]: [[200, { results: [], next_cursor: null }]],
    "GET /api/owners/ad_image/7/files/": [[200, page]], "GET /api/owners/avatar/1/files/": [[200, page]],
    [`PATCH ${FILES}1/`]: [[200, { id: 1, order: 0 }]], [`DELETE ${FILES}1/`]: [[204], refused("not_found", 404), refused("forbidden", 403)],
  });
  const broker = new Broker({ fetch, storage: storage() });
  const { results, next_cursor: cursor } = await broker.files(INVOICE);
  assert.deepEqual(results, page.results);
  assert.equal((await broker.files(INVOICE, { limit: 10, cursor })).next_cursor, null);
  await broker.files({ ad: 7 });
  await broker.files({ user: 1 });
  await broker.updateFile(INVOICE, 1, { altText: "", order: 0 });
  await broker.updateFile(INVOICE, 1, { order: 5 });
  assert.deepEqual(asked.slice(-2).map((one) => JSON.parse(one.body)), [{ alt_text: "", order: 0 }, { order: 5 }]);
  assert.equal(await broker.deleteFile(INVOICE, 1), true);
  assert.equal(await broker.deleteFile(INVOICE, 1), false); // for example if the first answer was lost
  await assert.rejects(broker.deleteFile(INVOICE, 1), { code: "forbidden" });
  await assert.rejects(broker.files({}), TypeError);
  assert.equal(lines().length, 9);
});

test("a private image has no srcset, and a file of `files` has one", () => {
  const variants = (url) => [{ width: 320, height: 240, content_type: "image/webp", url }];
  assert.equal(srcsetOf({ image_url: null, width: 900, variants: variants(null) }), "");
  assert.equal(srcsetOf({ url: "/f.jpg", width: 900, variants: variants("/v.webp") }), "/v.webp 320w, /f.jpg 900w");
});
