"""Create the app: the only place where its parts are connected."""

from flask import Flask
from flask_cors import CORS

from broker.api.auth import tokens as auth
from broker.api.middleware import caching, hosts, request_log, security_headers
from broker.api.middleware import trusted_proxies as forwarded
from broker.api.middleware.plain_flask import SyncFlask
from broker.api.openapi import document as openapi
from broker.api.pages import error_page, page, reader
from broker.api.problems import handlers as problems
from broker.api.rate_limits import limits as rate_limits
from broker.api.request import parsing
from broker.api.request.json_provider import OrjsonProvider
from broker.api.routes import health, metrics
from broker.config import Settings
from broker.db.session import Database
from broker.services.work import Broker
from broker.storage.factory import s3_storage

EXPOSED_HEADERS = [
    "Idempotency-Replayed",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "X-Request-ID",
]
PREFLIGHT_SECONDS = 7200  # Chromium forgets a preflight's answer after two hours at the latest


def create_app(settings: Settings | None = None) -> Flask:
    """Create the Flask app.

    Args:
        settings: Read from the environment if omitted.

    Raises:
        SettingsError: a setting is missing or invalid; the message names it.
        CannotStart: uploads of release 0.2 are pending, or a profile in use has changed.
    """
    settings = settings or Settings.load()
    app = SyncFlask(__name__, static_folder=None)
    app.json = OrjsonProvider(app)
    database = Database(
        settings.database_url,
        statement_timeout=settings.statement_timeout,
        only_inspected=settings.limits.inspects,
        profiles=settings.limits.profiles,
    )
    database.check_at_start()
    app.extensions["broker"] = Broker(
        settings=settings,
        limits=settings.limits,
        database=database,
        storage=s3_storage(settings),
    )
    request_log.init_app(app)
    security_headers.init_app(app, settings)
    caching.init_app(app, settings)
    hosts.init_app(app, settings)
    parsing.init_app(app)
    auth.init_app(app, settings)
    openapi.init_app(app)
    problems.init_app(app)
    page.init_app(app, settings)
    app.register_blueprint(error_page.blueprint)
    reader.init_app(app)
    app.register_blueprint(health.blueprint)
    app.register_blueprint(metrics.blueprint)
    if settings.cors_origins:
        # flask-cors allows every request header that a preflight asks for.
        CORS(
            app,
            origins=list(settings.cors_origins),
            expose_headers=EXPOSED_HEADERS,
            max_age=PREFLIGHT_SECONDS,
            always_send=False,  # only for cross-origin requests
        )
    rate_limits.init_app(app, settings)
    if settings.trusted_proxies:
        app.wsgi_app = forwarded.TrustedProxies(  # type: ignore[method-assign,assignment]
            app.wsgi_app, settings.trusted_proxies
        )
    return app
