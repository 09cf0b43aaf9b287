"""clients/js in Chromium with owners of profiles: real routes, grants and S3."""

from pathlib import Path

import httpx

from tests.http.client import token
from tests.http.files.private_files import ALL, PROFILES
from tests.js_client.conftest import OpenShop
from tests.servers.fixtures import Bucket
from tests.servers.private_key import private_key

OWNERS = ("product_image/042", "invoice/A-1")
# The page's tokens allow everything for one owner each. `asked` records the calls.
SIGN_IN = """({ baseUrl, tokens }) => {
  globalThis.asked = [];
  globalThis.broker = new Broker({ baseUrl, token: ({ profile, owner }) => {
    asked.push(`${profile}/${owner}`);
    return tokens[`${profile}/${owner}`] ?? tokens["invoice/A-1"];
  } });
}"""
UPLOAD = """async ({ profile, owner, name, type }) => {
  const of = { profile, owner };
  const files = [1, 2].map((seed) => file(1000, name, type, seed));
  const images = await broker.uploadAll(files, { ...of, each: (_, order) => ({ order }) });
  const last = await broker.upload(file(9e6, name, type), { ...of, altText: "front", order: 9 })
    .catch((error) => ({ code: error.code }));
  const { results } = await broker.files(of);
  const changed = await broker.updateFile(of, results[0].id, { altText: "back" });
  const deleted = [await broker.deleteFile(of, results[1].id),
                   await broker.deleteFile(of, results[1].id)];
  return { images: images.map((one) => one.value), last, results, changed, deleted,
           left: (await broker.files(of)).results.map(({ id }) => id) };
}"""


def grant_for(owner: str) -> str:
    profile, name = owner.split("/")
    grant = {"type": "upload", "profile": profile, "owner": name, "actions": ALL}
    return token(authorization_details=[grant])


def test_photos_and_documents_of_owners_are_uploaded_listed_changed_and_deleted(
    open_shop: OpenShop, s3_bucket: Bucket, tmp_path: Path
) -> None:
    file = tmp_path / "profiles.toml"
    file.write_text(PROFILES.replace("variants = [320, 800]", "").replace('inspection = "off"', ""))
    shop = open_shop(profiles_file=file, **private_key(s3_bucket))
    page = shop.visit()
    tokens = {owner: grant_for(owner) for owner in OWNERS}
    page.evaluate(SIGN_IN, {"baseUrl": shop.broker_url, "tokens": tokens})

    photos = {"profile": "product_image", "owner": "042", "name": "a.jpg", "type": "image/jpeg"}
    found = page.evaluate(UPLOAD, photos)
    assert found["last"] == {"code": "image_limit_reached"}
    assert [one["order"] for one in found["images"]] == [0, 1]
    assert [one["id"] for one in found["results"]] == [one["id"] for one in found["images"]]
    assert (found["changed"]["alt_text"], found["deleted"]) == ("back", [True, False])
    assert found["left"] == [found["results"][0]["id"]]
    assert httpx.get(found["images"][0]["image_url"], verify=False).status_code == 200

    # Nine MB are sent in parts. A browser does not always know the type of a document.
    documents = {"profile": "invoice", "owner": "A-1", "name": "Größe 7 данные.pdf", "type": ""}
    found = page.evaluate(UPLOAD, documents)
    assert found["last"]["image_url"] is None
    assert [one["id"] for one in found["results"]][2] == found["last"]["id"]
    whole = found["results"][2]
    assert (whole["file_name"], whole["size"]) == ("Größe 7 данные.pdf", 9_000_000)
    assert len(httpx.get(whole["url"], verify=False).content) == 9_000_000
    assert httpx.get(whole["url"].split("?")[0], verify=False).status_code == 403
    assert page.evaluate("[...new Set(asked)]") == list(OWNERS)

    refused = """async () => await outcome(broker.upload(
        file(1000, "a.jpg", "image/jpeg", 5), { profile: "product_image", owner: "42" }))"""
    assert page.evaluate(refused)["code"] == "forbidden"
    page.close()
