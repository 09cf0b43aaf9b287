"""The offline reader of the OpenAPI document at `/docs`: Swagger UI, under a strict policy.

flask-swagger-ui brings its files along. Its page has scripts written into it, which the policy
does not run, so the page is ours.
"""

from flask import Blueprint, Flask, Response, redirect, send_from_directory
from flask_swagger_ui import get_swaggerui_blueprint
from werkzeug.wrappers import Response as AnyResponse

from broker.api.pages.page import WEB

blueprint = Blueprint("reader", __name__)
# Swagger UI's icons are data: URLs, in its style sheet and beside it.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@blueprint.get("/docs/", strict_slashes=False)
def read() -> Response:
    """Give the page."""
    answer = send_from_directory(WEB, "reader.html")
    answer.headers["Content-Security-Policy"] = POLICY
    return answer


@blueprint.get("/docs/index.html")
def index() -> AnyResponse:
    """Lead from flask-swagger-ui's other address, whose page has no policy, to the one page."""
    return redirect("/docs/")


def init_app(app: Flask) -> None:
    """Register the page before the files: of two rules alike the first is asked."""
    app.register_blueprint(blueprint)
    app.register_blueprint(get_swaggerui_blueprint("/docs", "/openapi.json"))
