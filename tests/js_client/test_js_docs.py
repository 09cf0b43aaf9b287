"""The snippets of docs/browser.md and the README run unchanged; every code is documented."""

import re
from pathlib import Path

from broker.api.problems.table import PROBLEMS
from broker.domain.rejections import RejectionReason
from tests.js_client.conftest import OpenShop
from tests.js_client.js_page import CLIENT

DOCS = CLIENT.parents[1] / "docs/browser.md"
THUMBHASH = "1QcSHQRnh493V4dIh4eXh1h4kJUI"
# The page's own code.
AROUND = """
const baseUrl = "BROKER_URL", token = "TOKEN", adId = AD_ID;
globalThis.shown = { images: [], errors: [], phases: new Set() };
const show = (name, phase) => shown.phases.add(phase);
const showImage = (url) => shown.images.push(url);
const showError = (code, detail) => shown.errors.push([code, detail]);
"""


def test_the_snippet_of_the_page_works_unchanged(open_shop: OpenShop, tmp_path: Path) -> None:
    lines, _ = re.findall(r"```js\n(.*?)```", DOCS.read_text(), re.DOTALL)
    assert len(lines.strip().splitlines()) <= 12
    imports, rest = lines.split("\n\n", 1)
    body = '<input type="file" id="photos" multiple>'
    shop = open_shop(script=f"{imports}\n{AROUND}{rest}", body=body)
    photos = [tmp_path / name for name in ("a.jpg", "b.png", "c.svg")]
    for photo in photos:
        photo.write_bytes(photo.name.encode() * 99)
    page = shop.browser.new_page()
    page.goto(shop.page_url)
    page.set_input_files("#photos", photos)
    page.evaluate(
        """() => new Promise((resolve) => {
            const all = () => shown.images.length + shown.errors.length === 3
            const look = () => all() ? resolve() : setTimeout(look)
            look()
        })"""
    )
    assert page.evaluate("shown.errors") == [
        ["validation_error", "A file cannot be accepted as declared."]
    ]
    assert page.evaluate("shown.images") == [image["image_url"] for image in shop.images()]
    assert {"hashing", "sending", "confirming", "done"} <= set(page.evaluate("[...shown.phases]"))
    page.close()


def test_the_snippet_for_an_image_shows_a_variant_on_its_placeholder(open_shop: OpenShop) -> None:
    _, lines = re.findall(r"```js\n(.*?)```", DOCS.read_text(), re.DOTALL)
    imports, rest = lines.split("\n\n", 1)
    given = f"""
        const image = {{
            width: 900, height: 600, thumbhash: "{THUMBHASH}", alt_text: "front",
            image_url: "/main.svg", variants: [{{ width: 320, url: "/main_w320.svg" }}],
        }};
    """
    script = f"{imports}\n{given}{rest}\ndocument.body.append(picture); globalThis.shown = picture;"
    shop = open_shop(script=script)
    page = shop.browser.new_page(viewport={"width": 300, "height": 300})
    svg = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="6"/>'
    page.route("**/*.svg", lambda route: route.fulfill(body=svg, content_type="image/svg+xml"))
    page.goto(shop.page_url)
    page.evaluate(
        """() => new Promise((resolve) => {
            const look = () => globalThis.shown?.complete ? resolve() : setTimeout(look)
            look()
        })"""
    )
    assert page.evaluate("shown.currentSrc") == f"{shop.page_url}/main_w320.svg"
    assert page.evaluate("[shown.width, shown.height, shown.alt]") == [900, 600, "front"]
    placeholder = page.evaluate("getComputedStyle(shown).backgroundImage").split('"')[1]
    size = """async (url) => {
        const placeholder = new Image();
        placeholder.src = url;
        await placeholder.decode();
        return [placeholder.naturalWidth, placeholder.naturalHeight];
    }"""
    assert page.evaluate(size, placeholder) == [23, 32]
    page.close()


def test_the_snippet_of_the_readme_works_except_for_the_package_name(open_shop: OpenShop) -> None:
    (lines,) = re.findall(r"```js\n(.*?)```", (CLIENT / "README.md").read_text(), re.DOTALL)
    imports, rest = lines.split("\n\n", 1)
    assert imports == 'import { Broker } from "@upload-broker/client";'
    given = """
        const token = "TOKEN", photo = new Blob(["a photo"], { type: "image/jpeg" });
        const file = new File([photo], "a.jpg", { type: "image/jpeg" });
    """
    rest = rest.replace("https://broker.example", "BROKER_URL").replace("ad: 1", "ad: AD_ID")
    script = f'import {{ Broker }} from "/upload-broker/broker.js";\n{given}{rest}'
    shop = open_shop(script=f"{script}\nglobalThis.recorded = image;")
    page = shop.browser.new_page()
    page.goto(shop.page_url)
    page.evaluate(
        """() => new Promise((resolve) => {
            const look = () => globalThis.recorded ? resolve() : setTimeout(look)
            look()
        })"""
    )
    assert shop.images() == [page.evaluate("recorded")]
    assert shop.images()[0]["alt_text"] == "front view"
    page.close()


def declared(union: str) -> set[str]:
    """Return the codes of one union in the declarations."""
    (codes,) = re.findall(rf"type {union} =(.*?);", (CLIENT / "broker.d.ts").read_text(), re.DOTALL)
    return set(re.findall(r'"(\w+)"', codes))


def test_every_code_of_the_api_is_declared() -> None:
    assert declared("ApiCode") == set(PROBLEMS)


def test_every_reason_of_a_rejection_is_declared() -> None:
    assert declared("RejectionReason") == set(RejectionReason)


def test_every_code_of_the_client_is_documented() -> None:
    codes = declared("ClientCode")
    sources = "".join(path.read_text() for path in CLIENT.glob("*.js"))
    made = set(re.findall(r'new (?:BrokerError|StillProcessing)\("(\w+)"', sources))
    made -= declared("ApiCode")
    assert made | {"gave_up"} == codes
    page = DOCS.read_text()
    assert {code for code in codes if f"| `{code}` |" not in page} == set()
