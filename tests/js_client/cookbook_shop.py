"""The marketplace around the plain form of docs/cookbook.md: a Flask app with an ad's page."""

from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response
from jinja2 import DictLoader

from tests.js_client.cookbook_page import blocks

BROKER = "http://127.0.0.1:8000"


def shop_of(broker_url: str, bucket_url: str, token: str) -> Flask:
    """Create the shop of one signed-in user, with a strict Content-Security-Policy."""
    shop = Flask(__name__)
    shop.secret_key = "a-secret-of-the-tests-alone"
    shop.config["SESSION_COOKIE_SAMESITE"] = "Lax"
    (template,) = blocks("html")
    shop.jinja_loader = DictLoader({"photo.html": template})
    (lines,) = blocks("python")
    assert BROKER in lines
    given: dict[str, Any] = {
        "shop": shop,
        "bearer": lambda: {"Authorization": f"Bearer {token}"},
    }
    exec(lines.replace(BROKER, broker_url), given)  # noqa: S102
    bucket = "{0.scheme}://{0.netloc}".format(urlsplit(bucket_url))

    @shop.get("/ads/<int:ad>/")
    def show_ad(ad: int) -> str:
        answer = given["broker"].get(f"/api/ads/{ad}/").json()
        return "".join(f'<img alt="{one["image"]}" src="">' for one in answer["images"])

    @shop.after_request
    def under_a_policy(answer: Response) -> Response:
        answer.headers["Content-Security-Policy"] = (
            f"default-src 'none'; form-action 'self' {bucket}"
        )
        return answer

    return shop
