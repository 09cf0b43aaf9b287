"""OpenAPI 3.1 at `/openapi.json`, and the offline reader at `/docs`."""

from flask import Flask
from flask_smorest import Api
from flask_swagger_ui import get_swaggerui_blueprint

from broker.api import (
    ad_images,
    ads,
    capabilities,
    events,
    parts,
    profiles,
    uploads,
    uppy,
    uppy_sessions,
    users,
)
from broker.api.problems import handle_http_exception
from schemas.problems import Problem


class BrokerApi(Api):
    """flask-smorest's Api, answering errors as problem+json."""

    ERROR_SCHEMA = Problem
    handle_http_exception = staticmethod(handle_http_exception)


def init_app(app: Flask) -> None:
    """Register the resources and what describes them."""
    app.config["API_TITLE"] = "Upload broker"
    app.config["API_VERSION"] = "1"
    app.config["OPENAPI_VERSION"] = "3.1.0"
    app.config["OPENAPI_URL_PREFIX"] = "/"
    app.config["OPENAPI_JSON_PATH"] = "openapi.json"
    app.config["API_SPEC_OPTIONS"] = {
        "components": {
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
                "events": {"type": "http", "scheme": "bearer"},
            }
        },
        "security": [{"bearer": []}],
    }
    capabilities.init_app(app)
    api = BrokerApi(app)
    for module in (ads, ad_images, users, uploads, parts, profiles, uppy_sessions, uppy, events):
        api.register_blueprint(module.blueprint)
    app.register_blueprint(
        get_swaggerui_blueprint("/docs", "/openapi.json", config={"app_name": "Upload broker"})
    )
