"""The offline reader of the OpenAPI document at `/docs`: Swagger UI with a strict policy.

The files come from flask-swagger-ui. Its own page has inline scripts, which the policy forbids, so
this module serves another page.
"""

from flask import Blueprint, Flask, Response, redirect, send_from_directory
from flask_swagger_ui import get_swaggerui_blueprint
from werkzeug.wrappers import Response as AnyResponse

from broker.api.pages.page import WEB

blueprint = Blueprint("reader", __name__)
# Swagger UI's icons are data: URLs.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@blueprint.get("/docs/", strict_slashes=False)
def read() -> Response:
    """Return the page with Swagger UI."""
    answer = send_from_directory(WEB, "reader.html")
    answer.headers["Content-Security-Policy"] = POLICY
    return answer


@blueprint.get("/docs/index.html")
def index() -> AnyResponse:
    """Redirect to the page. flask-swagger-ui's page at this path has no policy."""
    return redirect("/docs/")


def init_app(app: Flask) -> None:
    """Register the page before flask-swagger-ui: the first of two equal rules is used."""
    app.register_blueprint(blueprint)
    app.register_blueprint(get_swaggerui_blueprint("/docs", "/openapi.json"))
