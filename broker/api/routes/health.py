"""`/healthz`: the process answers. `/readyz`: its database and bucket do too, and it stays."""

from flask import Blueprint, Response

from broker.api.problems.handlers import problem
from broker.api.request.context import current
from broker.api.request.view_marks import probe

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
@probe
def healthz() -> dict[str, str]:
    """Say that the process is alive."""
    return {"status": "ok"}


@blueprint.get("/readyz")
@probe
def readyz() -> dict[str, str] | Response:
    """Say that requests will succeed; 503 problem+json names what is missing."""
    broker = current()
    if broker.settings.drain_file is not None and broker.settings.drain_file.exists():
        # As it should be: an answer, not an error for the log.
        return problem("draining", "The process is about to end; other requests are still taken.")
    broker.database.check()
    broker.storage.check()
    return {"status": "ready"}
