"""The upload page at `/`, and the token for it under `broker dev`."""

from pathlib import Path

from flask import Blueprint, Flask, Response, send_from_directory

from broker.api.problems.handlers import ApiError
from broker.api.request.context import current
from broker.config import Settings

WEB = Path(__file__).parents[2] / "web"
blueprint = Blueprint("page", __name__)


@blueprint.get("/")
def index() -> Response:
    """Return the page. Its policy allows connections only to the API and the bucket.

    Previews are `blob:` URLs, and placeholders `data:` URLs. Private images come from the bucket.
    """
    answer = send_from_directory(WEB, "index.html")
    storage = current().storage
    bucket, media = _origin(storage.presigner.bucket_url), _origin(storage.media_url)
    images = f"{media} {bucket}" if current().limits.profiles.have_private else media
    answer.headers["Content-Security-Policy"] = (
        "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; "
        f"img-src 'self' blob: data: {images}; connect-src 'self' {bucket}; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return answer


def _origin(url: str) -> str:
    return "/".join(url.split("/", 3)[:3])


@blueprint.get("/web/<path:name>")
def asset(name: str) -> Response:
    """Return a script or style of the page, or a module of the browser client.

    HTML is refused: the page is at `/`, with its policy.
    """
    if name.endswith(".html"):
        raise ApiError("not_found", "This file does not exist.")
    return send_from_directory(WEB, name)


def init_app(app: Flask, settings: Settings) -> None:
    """Register the page, and the token route under `broker dev`."""
    app.register_blueprint(blueprint)
    if settings.dev:
        from broker.api.pages.dev_sign_in import blueprint as dev_blueprint

        app.register_blueprint(dev_blueprint)
