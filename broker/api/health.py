"""`/healthz`: the process answers. `/readyz`: its database and bucket do too."""

from flask import Blueprint

from broker.api.context import current

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def healthz() -> dict[str, str]:
    """Say that the process is alive."""
    return {"status": "ok"}


@blueprint.get("/readyz")
def readyz() -> dict[str, str]:
    """Say that requests will succeed; 503 problem+json names what is missing."""
    broker = current()
    broker.database.check()
    broker.storage.check()
    return {"status": "ready"}
