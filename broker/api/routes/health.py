"""Probes. `/healthz`: the process is running. `/readyz`: it can serve requests."""

from flask import Blueprint, Response

from broker.api.problems.handlers import problem
from broker.api.request.context import current
from broker.api.request.view_marks import probe

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
@probe
def healthz() -> dict[str, str]:
    """Answer that the process is running."""
    return {"status": "ok"}


@blueprint.get("/readyz")
@probe
def readyz() -> dict[str, str] | Response:
    """Check what every request needs: a database with this release's migration.

    Otherwise the answer is 503 problem+json. The bucket's state is only reported: without the
    bucket, tickets are still issued, and no other process would have a bucket either.
    """
    broker = current()
    if broker.settings.drain_file is not None and broker.settings.drain_file.exists():
        # This is expected before a shutdown, so it is not logged as an error.
        return problem("draining", "The process is shutting down; it still answers other requests.")
    broker.database.check()
    return {"status": "ready", "bucket": broker.bucket_state.read()}
