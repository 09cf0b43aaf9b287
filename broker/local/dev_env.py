"""The settings of `broker dev`: its own, generated secrets, and those that a developer tries."""

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dotenv import dotenv_values

ENV_FILE = "dev.env"
DEFAULT_DATA_DIR = Path(".broker")
BUCKET = "media-bucket"
PREFIX = "BROKER_"
CORS = "BROKER_CORS_ORIGINS"
PROFILES = "BROKER_PROFILES_FILE"
# What describes the embedded S3 server, the database and the generated keys.
OWNED = frozenset(
    PREFIX + name
    for name in (
        "DATABASE_URL",
        "S3_BUCKET",
        "S3_INCOMING_BUCKET",
        "S3_SERVER",
        "S3_ENDPOINT_URL",
        "S3_PUBLIC_URL",
        "S3_ADDRESSING",
        "JWT_ALGORITHM",
        "JWT_SECRET",
        "JWT_PUBLIC_KEY",
        "JWT_JWKS_URL",
        "PRIVATE_ACCESS_KEY_ID",
        "PRIVATE_SECRET_ACCESS_KEY",
        "BUCKET_NOTIFICATIONS_ARN",
        "DRAIN_FILE",
        "DEV",
        *("WORKER_AWS_ACCESS_KEY_ID", "WORKER_AWS_SECRET_ACCESS_KEY"),
        *("REAPER_AWS_ACCESS_KEY_ID", "REAPER_AWS_SECRET_ACCESS_KEY"),
        *("CONSUMER_AWS_ACCESS_KEY_ID", "CONSUMER_AWS_SECRET_ACCESS_KEY"),
    )
)


@dataclass(frozen=True, kw_only=True)
class DeveloperSettings:
    """The BROKER_ settings of the environment: those that `broker dev` uses, and its own ones."""

    used: Mapping[str, str]
    ignored: tuple[str, ...]


def developer_settings(environment: Mapping[str, str]) -> DeveloperSettings:
    """Sort the settings of an environment. Names that are no settings are used, with a warning."""
    ours = {name: value for name, value in sorted(environment.items()) if name.startswith(PREFIX)}
    ours.pop("BROKER_TOKEN", None)  # for `broker upload`, which is a client
    return DeveloperSettings(
        used={name: value for name, value in ours.items() if name not in OWNED},
        ignored=tuple(name for name in ours if name in OWNED),
    )


def load_or_make(data_dir: Path, *, port: int, s3_port: int) -> dict[str, str]:
    """Return the API's environment, with the settings that this process's environment adds.

    The first call generates the secrets (file mode 600).
    """
    data_dir.mkdir(parents=True, exist_ok=True)
    path = data_dir / ENV_FILE
    kept = {name: value for name, value in dotenv_values(path).items() if value}
    used = dict(developer_settings(os.environ).used)
    if used.get(PROFILES):
        # The processes that `broker dev` starts have another working directory.
        used[PROFILES] = str(Path(used[PROFILES]).resolve())
    # The page's own origin comes first: `api_url` reads it.
    origins = ",".join(
        (f"http://127.0.0.1:{port},http://localhost:{port}", *filter(None, [used.get(CORS)]))
    )
    private_id, private_secret = "BROKER_PRIVATE_ACCESS_KEY_ID", "BROKER_PRIVATE_SECRET_ACCESS_KEY"
    values = {
        "BROKER_DATABASE_URL": f"sqlite:///{(data_dir / 'broker.db').resolve()}",
        "BROKER_S3_SERVER": "seaweedfs",
        "BROKER_S3_BUCKET": BUCKET,
        "BROKER_S3_ENDPOINT_URL": f"http://127.0.0.1:{s3_port}",
        "BROKER_JWT_ALGORITHM": "HS256",
        "BROKER_JWT_SECRET": kept.get("BROKER_JWT_SECRET") or secrets.token_urlsafe(48),
        private_id: kept.get(private_id) or secrets.token_hex(10),
        private_secret: kept.get(private_secret) or secrets.token_urlsafe(30),
        "BROKER_DEV": "true",
        "BROKER_RATE_LIMIT_STORAGE_URL": "memory://",
        **used,
        CORS: origins,
        "AWS_ACCESS_KEY_ID": kept.get("AWS_ACCESS_KEY_ID") or secrets.token_hex(10),
        "AWS_SECRET_ACCESS_KEY": kept.get("AWS_SECRET_ACCESS_KEY") or secrets.token_urlsafe(30),
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    _write(path, "".join(f"{name}={_quoted(value)}\n" for name, value in values.items()))
    return values


def api_url(data_dir: Path) -> str | None:
    """Return the URL that `broker dev` last served from this directory, or None."""
    origins = dotenv_values(data_dir / ENV_FILE).get("BROKER_CORS_ORIGINS") or ""
    return origins.partition(",")[0] or None


def _quoted(value: str) -> str:
    """Quote a value as python-dotenv reads it."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _write(path: Path, text: str) -> None:
    """Replace the file atomically. Other users can never read it."""
    draft = path.with_suffix(".new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    draft.replace(path)
