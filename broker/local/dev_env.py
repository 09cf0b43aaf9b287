"""The settings of `broker dev`, with a secret and credentials that are generated once."""

import os
import secrets
from pathlib import Path

from dotenv import dotenv_values

ENV_FILE = "dev.env"
DEFAULT_DATA_DIR = Path(".broker")
BUCKET = "media-bucket"


def load_or_make(data_dir: Path, *, port: int, s3_port: int) -> dict[str, str]:
    """Return the API's environment. The first call generates the secrets (file mode 600)."""
    data_dir.mkdir(parents=True, exist_ok=True)
    path = data_dir / ENV_FILE
    kept = {name: value for name, value in dotenv_values(path).items() if value}
    origins = f"http://127.0.0.1:{port},http://localhost:{port}"
    values = {
        "BROKER_DATABASE_URL": f"sqlite:///{(data_dir / 'broker.db').resolve()}",
        "BROKER_S3_BUCKET": BUCKET,
        "BROKER_S3_ENDPOINT_URL": f"http://127.0.0.1:{s3_port}",
        "BROKER_JWT_ALGORITHM": "HS256",
        "BROKER_JWT_SECRET": kept.get("BROKER_JWT_SECRET") or secrets.token_urlsafe(48),
        "BROKER_CORS_ORIGINS": origins,
        "BROKER_DEV": "true",
        "BROKER_RATE_LIMIT_STORAGE_URL": "memory://",
        "AWS_ACCESS_KEY_ID": kept.get("AWS_ACCESS_KEY_ID") or secrets.token_hex(10),
        "AWS_SECRET_ACCESS_KEY": kept.get("AWS_SECRET_ACCESS_KEY") or secrets.token_urlsafe(30),
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    _write(path, "".join(f"{name}='{value}'\n" for name, value in values.items()))
    return values


def api_url(data_dir: Path) -> str | None:
    """Return the URL that `broker dev` last served from this directory, or None."""
    origins = dotenv_values(data_dir / ENV_FILE).get("BROKER_CORS_ORIGINS") or ""
    return origins.partition(",")[0] or None


def _write(path: Path, text: str) -> None:
    """Replace the file atomically. Other users can never read it."""
    draft = path.with_suffix(".new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    draft.replace(path)
