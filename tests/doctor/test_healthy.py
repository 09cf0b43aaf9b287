"""A healthy deployment: every check runs, none fails, and nothing is left behind."""

import re
import socket
from typing import Any

import pytest

from broker.doctor.checks import CHECKS
from tests.doctor.conftest import Deployment, run
from tests.servers.counters import Counters
from tests.servers.fixtures import SECRET
from tests.servers.minio import DOMAIN
from tests.servers.private_key import private_key

# These check nothing while BROKER_INSPECTION is off.
OF_INSPECTION = {"workers", "processing", "media-write"}
# These check nothing without BROKER_PRIVATE_ACCESS_KEY_ID.
OF_PRIVATE_FILES = {"private-files", "private-key"}


def test_every_check_passes_on_each_server(
    everywhere: Deployment, counters_server: Counters
) -> None:
    report = everywhere.doctor(RATE_LIMIT_STORAGE_URL=counters_server.url)
    assert report.failed == set()
    assert report.exit_code == 0
    skipped = {f["check"] for f in report.findings if f["outcome"] == "skip"}
    assert skipped == {"jwks", "broker-url", "events", *OF_INSPECTION, *OF_PRIVATE_FILES}
    server = everywhere.bucket.server.name
    # Only SeaweedFS and MinIO obey such queries. Ceph ignores digests.
    warned = {"versitygw": set(), "ceph": {"confirm", "multipart"}}.get(
        server, {"response-headers"}
    )
    assert report.passed == {"settings", "etag", *(c.name for c in CHECKS)} - skipped - warned


def test_small_limits_do_not_stop_the_trial(deployment: Deployment) -> None:
    report = deployment.doctor(MAX_IMAGES_PER_AD="1", MAX_IMAGE_BYTES="1")
    assert report.failed == set()


def test_a_deployment_that_uses_put_without_checksums_passes(everywhere: Deployment) -> None:
    report = everywhere.doctor(DEFAULT_TRANSPORT="put", REQUIRE_CHECKSUM="false")
    assert report.failed == set()
    assert "PUT" in report.of("ticket", "ok")["detail"]


def test_virtual_addressing_passes_and_http_is_a_warning_for_https_pages(
    on_minio: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    look_up = socket.getaddrinfo

    def resolve(host: str, *rest: Any, **named: Any) -> Any:
        return look_up("127.0.0.1" if host.endswith(DOMAIN) else host, *rest, **named)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    port = on_minio.bucket.server.endpoint_url.rpartition(":")[2]
    on_minio.set(S3_ENDPOINT_URL=f"http://{DOMAIN}:{port}", S3_ADDRESSING="virtual")
    report = on_minio.doctor(CORS_ORIGINS="http://localhost:8000")
    assert report.failed == set()
    warned = on_minio.doctor(CORS_ORIGINS="https://shop.example").of("public-url", "warn")
    assert "https://shop.example send to an http URL" in warned["detail"]
    assert f"{on_minio.bucket.name}.{DOMAIN}" in report.of("public-url", "ok")["detail"]


def test_no_secret_is_ever_printed(deployment: Deployment) -> None:
    key = private_key(deployment.bucket)
    deployment.set(**{name.upper(): value for name, value in key.items()})
    url = deployment.bucket.server.endpoint_url.replace("://", "://user:its-password@")
    deployment.set(PUBLIC_URL=url, MEDIA_URL=f"{url}/{deployment.bucket.name}/media")
    for arguments in ([], ["--json"]):
        text = run(*arguments).output
        own = key["private_secret_access_key"]
        for secret in (SECRET, deployment.bucket.server.secret_key, own, "its-password"):
            assert secret not in text
        assert not re.search("(?i:signature=|policy=|x-amz-signature)|eyJ", text)
