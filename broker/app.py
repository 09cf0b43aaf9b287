"""Wire the parts together: the only place that does."""

from flask import Flask
from flask_cors import CORS

from broker.api import (
    auth,
    error_page,
    health,
    metrics,
    openapi,
    page,
    parsing,
    problems,
    request_log,
)
from broker.api.context import Broker
from broker.api.orjson_provider import OrjsonProvider
from broker.config import Settings
from broker.db.session import Database
from broker.storage.factory import s3_storage


def create_app(settings: Settings | None = None) -> Flask:
    """Make the app; reads the environment once where no settings are given.

    Raises:
        SettingsError: a setting is missing or wrong; the message names it.
    """
    settings = settings or Settings.load()
    app = Flask(__name__, static_folder=None)
    app.json = OrjsonProvider(app)
    app.extensions["broker"] = Broker(
        settings=settings,
        rules=settings.rules,
        database=Database(settings.database_url),
        storage=s3_storage(settings),
    )
    request_log.init_app(app)
    parsing.init_app(app)
    auth.init_app(app, settings)
    openapi.init_app(app)
    problems.init_app(app)
    page.init_app(app, settings)
    app.register_blueprint(error_page.blueprint)
    app.register_blueprint(health.blueprint)
    app.register_blueprint(metrics.blueprint)
    if settings.cors_origins:
        # What a page may send needs no list: flask-cors lets it send what it asks for.
        CORS(
            app,
            origins=list(settings.cors_origins),
            expose_headers=["Idempotency-Replayed", "Retry-After", "X-Request-ID"],
        )
    return app
