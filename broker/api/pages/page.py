"""The page at `/`, to try the broker in, and the dev token where `broker dev` runs."""

from pathlib import Path

from flask import Blueprint, Flask, Response, send_from_directory

from broker.api.problems.handlers import ApiError
from broker.api.request.context import current
from broker.config import Settings

WEB = Path(__file__).parents[2] / "web"
blueprint = Blueprint("page", __name__)


@blueprint.get("/")
def index() -> Response:
    """Give the page; its policy lets it talk to the API and the bucket alone."""
    answer = send_from_directory(WEB, "index.html")
    storage = current().storage
    bucket, media = _origin(storage.presigner.bucket_url), _origin(storage.media_url)
    answer.headers["Content-Security-Policy"] = (
        "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; "
        f"img-src 'self' blob: {media}; connect-src 'self' {bucket}; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return answer


def _origin(url: str) -> str:
    return "/".join(url.split("/", 3)[:3])


@blueprint.get("/web/<path:name>")
def asset(name: str) -> Response:
    """Give the page's scripts and styles, and the browser client as it is.

    The document itself is at `/` alone, where its policy goes with it.
    """
    if name.endswith(".html"):
        raise ApiError("not_found", "There is no such file.")
    return send_from_directory(WEB, name)


def init_app(app: Flask, settings: Settings) -> None:
    """Register the page; the dev token exists only where `broker dev` set it up."""
    app.register_blueprint(blueprint)
    if settings.dev:
        from broker.api.pages.dev_sign_in import blueprint as dev_blueprint

        app.register_blueprint(dev_blueprint)
