"""Run the broker and the servers that it is compared with."""

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

from benchmarks.servers import ROOT, Server, serve
from benchmarks.servers.bucket import BUCKET, REGION, Credentials
from benchmarks.servers.command import command
from broker.local.process import ServerNotInstalled

COMPANION = ROOT / "benchmarks/companion"
UPPY = ROOT / "benchmarks/field/uppy"
# All features of a ticket are on. The limits are high because the same thousand ads get tickets
# again and again, and because a hundred parts are 800 MiB. Every ticket is charged to a quota that
# is never used up.
LIMITS = {
    "BROKER_MAX_IMAGES_PER_AD": "10000",
    "BROKER_MAX_IMAGE_BYTES": str(2 * 1024**3),
    "BROKER_QUOTA_BYTES": str(2**53),
    "BROKER_QUOTA_FILES": str(2**31),
}


def broker_environment(
    database_url: str, endpoint_url: str, credentials: Credentials, jwt_secret: str
) -> dict[str, str]:
    """Return the broker's environment."""
    return {
        "BROKER_DATABASE_URL": database_url,
        "BROKER_S3_BUCKET": BUCKET,
        "BROKER_S3_ENDPOINT_URL": endpoint_url,
        "BROKER_JWT_SECRET": jwt_secret,
        **LIMITS,
        **credentials.environment(),
    }


def worker_environment(environment: dict[str, str]) -> dict[str, str]:
    """Return the environment of a worker beside a broker; it needs no secret of tokens."""
    return {name: value for name, value in environment.items() if name != "BROKER_JWT_SECRET"}


def broker(
    name: str,
    environment: dict[str, str],
    directory: Path,
    *,
    serving: Callable[[int], list[str]] = command,
) -> AbstractContextManager[Server]:
    """Run the broker by the Dockerfile's command with one worker, or by another command."""
    return serve(name, serving, lambda _port: environment, directory)


def flask_app(
    app: str,
    endpoint_url: str,
    credentials: Credentials,
    directory: Path,
    *,
    serving: Callable[[int, str], list[str]] = command,
) -> AbstractContextManager[Server]:
    """Run one of the apps in `apps/` on the broker's WSGI server, or on gunicorn."""
    environment = {
        "S3_ENDPOINT": endpoint_url,
        "S3_BUCKET": BUCKET,
        **credentials.environment(),
    }
    name = f"{app}-{serving.__name__}"
    return serve(
        name,
        lambda port: serving(port, f"benchmarks.apps.{app}:app"),
        lambda _port: environment | {"GAUGE": str(directory / f"{name}.gauge")},
        directory,
    )


def reading_app(
    app: str, database_url: str, endpoint_url: str, directory: Path
) -> AbstractContextManager[Server]:
    """Run one of the apps that read ads, on the broker's WSGI server."""
    environment = {
        "DATABASE_URL": database_url,
        "MEDIA_URL": f"{endpoint_url}/{BUCKET}/media",
        "DJANGO_SETTINGS_MODULE": "benchmarks.apps.drf_settings",
    }
    return serve(
        app,
        lambda port: command(port, f"benchmarks.apps.{app}:app"),
        lambda _port: environment,
        directory,
    )


@contextlib.contextmanager
def companion(
    endpoint_url: str,
    credentials: Credentials,
    jwt_secret: str,
    directory: Path,
    *,
    origin: str = "",
) -> Iterator[Server]:
    """Run Uppy Companion, one Node process. Pages of `origin` may ask it."""
    node = shutil.which("node")
    if node is None:
        raise ServerNotInstalled("Node.js is missing: apt-get install npm")
    files = directory / "companion"
    files.mkdir(exist_ok=True)
    environment = {
        "NODE_ENV": "production",
        "NODE_NO_WARNINGS": "1",
        "S3_ENDPOINT": endpoint_url,
        "S3_BUCKET": BUCKET,
        "S3_KEY": credentials.access_key,
        "S3_SECRET": credentials.secret_key,
        "S3_REGION": REGION,
        "FILE_PATH": str(files),
        "SECRET": jwt_secret,
        "TZ": os.environ.get("TZ", "UTC"),
        "PAGE_ORIGIN": origin,
    }
    with serve(
        "companion",
        lambda _port: [node, str(COMPANION / "server.mjs")],
        lambda port: environment | {"PORT": str(port)},
        directory,
    ) as server:
        yield server
