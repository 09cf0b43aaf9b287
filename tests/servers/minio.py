"""MinIO, the second S3 server of the tests.

It needs no CORS setting: MinIO allows every origin and does not implement PutBucketCors (501).
"""

import contextlib
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import httpx

from broker.local.process import LOOPBACK, ChildProcess
from tests.servers import START_TIMEOUT, S3Server, Webhook, start_on_free_port
from tests.servers.go_programs import go_program

WEBHOOK_ARN = "arn:minio:sqs::BROKER:webhook"
DOMAIN = "s3.test"  # for virtual-hosted addressing: BUCKET.s3.test
ACCESS_KEY = "broker-test"
SECRET_KEY = "broker-test-secret"  # noqa: S105


@contextlib.contextmanager
def minio(
    webhook: Webhook | None = None, certs: Path | None = None, **environment: str
) -> Iterator[S3Server]:
    """Run MinIO on an empty drive with extra settings; raise ServerNotInstalled.

    If `certs` has public.crt and private.key, it serves TLS at localhost.
    """
    binary = minio_binary()
    with tempfile.TemporaryDirectory(prefix="minio-", ignore_cleanup_errors=True) as directory:

        def start(port: int) -> tuple[ChildProcess, str]:
            url = f"https://localhost:{port}" if certs else f"http://{LOOPBACK}:{port}"
            extra = {**_notifying(webhook), **environment}
            child = _child(binary, Path(directory), port, certs, extra)
            # "cluster", because "live" and "ready" answer 200 before MinIO can write.
            child.start(lambda: _answers(f"{url}/minio/health/cluster"), START_TIMEOUT)
            return child, url

        child, url = start_on_free_port(start)
        try:
            yield S3Server(url, ACCESS_KEY, SECRET_KEY, child.pid, name="minio")
        finally:
            child.stop()


def allowed_by(server: S3Server, policy: dict[str, Any]) -> dict[str, str]:
    """Return an environment with temporary credentials (STS) limited by a policy."""
    sts = boto3.client(
        "sts",
        endpoint_url=server.endpoint_url,
        region_name="us-east-1",
        aws_access_key_id=server.access_key,
        aws_secret_access_key=server.secret_key,
    )
    given = sts.assume_role(
        RoleArn="arn:aws:iam:::role/broker",
        RoleSessionName="broker",
        Policy=json.dumps(policy),
    )["Credentials"]
    return {
        "AWS_ACCESS_KEY_ID": given["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": given["SecretAccessKey"],
        "AWS_SESSION_TOKEN": given["SessionToken"],
    }


def minio_binary() -> str:
    """Return the path of MinIO; raise ServerNotInstalled."""
    return go_program("minio", "MinIO", "github.com/minio/minio@latest")


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5, verify=False, trust_env=False).is_success
    except httpx.HTTPError:
        return False


def _child(
    binary: str, directory: Path, port: int, certs: Path | None, environment: dict[str, str]
) -> ChildProcess:
    # Without a directory of its own, the user's certificates would turn on HTTPS.
    certs_dir = f"--certs-dir={certs or directory / 'certs'}"
    return ChildProcess(
        [binary, "server", f"--address={LOOPBACK}:{port}", certs_dir, str(directory / "data")],
        log_file=directory / "minio.log",
        cwd=directory,
        env={
            "PATH": os.defpath,
            "HOME": str(directory),
            "MINIO_ROOT_USER": ACCESS_KEY,
            "MINIO_ROOT_PASSWORD": SECRET_KEY,
            "MINIO_DOMAIN": DOMAIN,
            "MINIO_BROWSER": "off",  # no console, because it needs a port
            "MINIO_UPDATE": "off",  # no check for updates
            "MINIO_CI_CD": "on",  # a drive may be a directory of the root file system
            **environment,
        },
    )


def _notifying(webhook: Webhook | None) -> dict[str, str]:
    """Return the settings of the notification target WEBHOOK_ARN."""
    if webhook is None:
        return {}
    return {
        "MINIO_NOTIFY_WEBHOOK_ENABLE_BROKER": "on",
        "MINIO_NOTIFY_WEBHOOK_ENDPOINT_BROKER": webhook.url,
        "MINIO_NOTIFY_WEBHOOK_AUTH_TOKEN_BROKER": webhook.secret,
    }
