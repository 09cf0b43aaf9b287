"""Public access: a policy that is too narrow or too wide, CORS, public URL, CDN."""

import json
import os
import signal
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

from broker.doctor import report
from broker.doctor.checks import examine
from broker.doctor.finding import Finding
from broker.local.process import free_ports
from tests.doctor.conftest import FAR_REGION, OTHER_ORIGIN, Deployment, deploy, run
from tests.servers import S3Server
from tests.servers.header_proxy import header_proxy

STATEMENT = {"Effect": "Allow", "Principal": {"AWS": ["*"]}}


def let_anyone(deployment: Deployment, bucket: str | None = None, /, **actions: str) -> None:
    """Allow everyone to do these actions, each on a path of the bucket."""
    name = bucket or deployment.bucket.name
    statements = [
        STATEMENT | {"Action": f"s3:{action}", "Resource": f"arn:aws:s3:::{name}{path}"}
        for action, path in actions.items()
    ]
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
    deployment.client().put_bucket_policy(Bucket=name, Policy=policy)


def test_without_a_bucket_policy_nobody_can_read_images(anywhere: Deployment) -> None:
    anywhere.client().delete_bucket_policy(Bucket=anywhere.bucket.name)
    report = anywhere.doctor()
    fault = report.of("public-read", "fail")
    assert "403 AccessDenied" in fault["detail"]
    assert fault["setting"] == "BROKER_MEDIA_LOCATION"
    assert fault["fix"] == "broker bucket apply"
    assert report.failed == {"public-read"}


def test_a_policy_that_lets_anyone_list_is_a_failure(anywhere: Deployment) -> None:
    let_anyone(anywhere, GetObject="/media/*", ListBucket="")
    report = anywhere.doctor()
    fault = report.of("public-list", "fail")
    assert fault["setting"] == "BROKER_S3_BUCKET"
    assert fault["fix"].startswith("broker bucket apply; then remove s3:ListBucket")
    assert report.failed == {"public-list"}


def test_a_policy_that_lets_anyone_write_and_delete_is_a_failure(on_minio: Deployment) -> None:
    # SeaweedFS never allows anonymous writes, even if the policy does.
    let_anyone(on_minio, GetObject="/media/*", PutObject="/media/*", DeleteObject="/media/*")
    report = on_minio.doctor()
    fault = report.of("public-write", "fail")
    assert fault["detail"].startswith("ANYONE MAY WRITE AND DELETE OBJECTS")
    assert fault["setting"] == "BROKER_S3_BUCKET"
    assert fault["fix"].startswith("broker bucket apply; then remove s3:PutObject")
    assert report.failed == {"public-write"}


def test_report_16_a_policy_that_exposes_unconfirmed_uploads_is_a_failure(
    anywhere: Deployment,
) -> None:
    let_anyone(anywhere, GetObject="/*")
    report = anywhere.doctor()
    fault = report.of("incoming", "fail")
    assert fault["setting"] == "BROKER_MEDIA_LOCATION"
    assert fault["fix"].startswith("broker bucket apply")
    assert report.failed == {"incoming"}


def test_a_bucket_without_cors_rules_is_a_failure(
    strict_seaweedfs: S3Server, template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment = deploy(strict_seaweedfs, template, tmp_path, monkeypatch)
    # SeaweedFS answers preflights to the bucket according to its own flag, not to a rule.
    fault = deployment.doctor(CORS_ORIGINS="https://shop.example").of("cors", "fail")
    assert fault["detail"] == "pages of https://shop.example may not upload by POST"
    assert fault["fix"] == "start SeaweedFS with -s3.allowedOrigins=https://shop.example"
    deployment.client().delete_bucket_cors(Bucket=deployment.bucket.name)
    report = deployment.doctor(CORS_ORIGINS="https://shop.example")
    fault = report.of("cors", "fail")
    assert fault["detail"] == "pages of https://shop.example may not upload by POST and PUT"
    assert fault["setting"] == "BROKER_CORS_ORIGINS"
    assert fault["fix"] == "broker bucket apply"
    assert report.of("etag", "fail")["setting"] == "BROKER_CORS_ORIGINS"
    assert report.failed == {"cors", "etag"}
    assert deployment.keys() == []


def test_a_minio_setting_that_allows_another_origin_is_a_failure(
    strict_minio: S3Server, template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment = deploy(strict_minio, template, tmp_path, monkeypatch, region=FAR_REGION)
    report = deployment.doctor(CORS_ORIGINS="https://shop.example")
    fault = report.of("cors", "fail")
    assert fault["setting"] == "BROKER_CORS_ORIGINS"
    assert fault["fix"] == "start MinIO with MINIO_API_CORS_ALLOW_ORIGIN=https://shop.example"
    assert "cors" in deployment.doctor(CORS_ORIGINS=OTHER_ORIGIN).passed
    assert deployment.keys() == []


def test_an_origin_that_the_cors_rule_lacks_is_a_failure(deployment: Deployment) -> None:
    report = deployment.doctor(CORS_ORIGINS="https://shop.example,https://new.example")
    assert "https://new.example" in report.of("cors", "fail")["detail"]
    assert "https://shop.example" in report.of("cors", "ok")["detail"]


def test_a_cors_rule_that_hides_the_etag_is_a_failure(deployment: Deployment) -> None:
    rule = {"AllowedOrigins": ["*"], "AllowedMethods": ["POST", "PUT"], "AllowedHeaders": ["*"]}
    deployment.client().put_bucket_cors(
        Bucket=deployment.bucket.name, CORSConfiguration={"CORSRules": [rule]}
    )
    report = deployment.doctor()
    fault = report.of("etag", "fail")
    assert fault["setting"] == "BROKER_CORS_ORIGINS"
    assert fault["fix"].startswith("broker bucket apply")
    assert "https://doctor.invalid" in report.of("cors", "warn")["detail"]


def test_without_origins_the_cors_check_is_skipped(deployment: Deployment) -> None:
    report = deployment.doctor(CORS_ORIGINS="")
    assert "BROKER_CORS_ORIGINS names no origin" in report.of("cors", "skip")["detail"]
    assert report.failed == set()


@pytest.mark.parametrize(
    ("url", "words"),
    [("http://127.0.0.1:{port}", "nothing listens"), ("http://s3.invalid", "cannot be resolved")],
)
def test_a_public_url_without_a_server_is_a_failure(
    deployment: Deployment, url: str, words: str
) -> None:
    report = deployment.doctor(S3_PUBLIC_URL=url.format(port=free_ports(1)[0]))
    fault = report.of("public-url", "fail")
    assert words in fault["detail"]
    assert fault["setting"] == "BROKER_S3_PUBLIC_URL"
    assert fault["fix"].startswith("set BROKER_S3_PUBLIC_URL to the S3 server's address")
    assert report.failed == {"public-url"}
    assert "bucket" in report.passed


def test_public_at_replaces_the_address_of_the_public_url(anywhere: Deployment) -> None:
    anywhere.set(S3_PUBLIC_URL="http://s3.shop.invalid:9000", CORS_ORIGINS="")
    assert anywhere.doctor().failed == {"public-url"}
    report = anywhere.doctor("--public-at", anywhere.bucket.server.endpoint_url)
    assert report.failed == set()
    assert "requested at" in report.of("public-url", "ok")["detail"]
    assert {"put", "multipart", "public-read"} <= report.passed


def test_a_public_url_that_leads_to_another_s3_server_is_a_failure(
    seaweedfs_server: S3Server, on_minio: Deployment
) -> None:
    other = replace(on_minio, bucket=replace(on_minio.bucket, server=seaweedfs_server))
    other.client().create_bucket(Bucket=on_minio.bucket.name)
    report = on_minio.doctor(S3_PUBLIC_URL=seaweedfs_server.endpoint_url)
    fault = report.of("confirm", "fail")
    assert "not in the bucket of the internal URL" in fault["detail"]
    assert fault["setting"] == "BROKER_S3_PUBLIC_URL"
    assert "BROKER_S3_ENDPOINT_URL" in fault["fix"]
    assert other.keys() == []
    # Another test uses a bucket with this name on MinIO later.
    other.client().delete_bucket(Bucket=on_minio.bucket.name)


def test_a_public_url_without_the_bucket_is_a_failure(
    seaweedfs_server: S3Server, on_minio: Deployment
) -> None:
    report = on_minio.doctor(S3_PUBLIC_URL=seaweedfs_server.endpoint_url)
    fault = report.of("ticket", "fail")
    assert "404 NoSuchBucket" in fault["detail"]
    assert fault["setting"] == "BROKER_S3_PUBLIC_URL"
    assert fault["fix"].startswith("set BROKER_S3_PUBLIC_URL")


def test_a_media_url_that_lacks_the_location_is_a_failure(anywhere: Deployment) -> None:
    base = f"{anywhere.bucket.server.endpoint_url}/{anywhere.bucket.name}"
    report = anywhere.doctor(MEDIA_URL=base)
    fault = report.of("public-read", "fail")
    assert fault["setting"] == "BROKER_MEDIA_URL"
    assert fault["fix"].startswith(f"let it lead to {base}/media, location included")
    assert report.failed == {"public-read"}


def test_a_media_url_without_a_server_is_a_failure(deployment: Deployment) -> None:
    report = deployment.doctor(MEDIA_URL=f"http://127.0.0.1:{free_ports(1)[0]}/media")
    fault = report.of("public-read", "fail")
    assert "nothing listens" in fault["detail"]
    assert fault["setting"] == "BROKER_MEDIA_URL"


def test_a_cdn_that_converts_images_is_a_warning(deployment: Deployment) -> None:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "image/webp")
            self.end_headers()
            self.wfile.write(b"the same picture")

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        report = deployment.doctor(MEDIA_URL=f"http://127.0.0.1:{server.server_address[1]}")
        server.shutdown()
        thread.join()
    assert report.of("public-read", "warn")["setting"] == "BROKER_MEDIA_URL"
    assert report.failed == set()


@pytest.mark.parametrize(
    ("header", "value", "setting"),
    [
        ("Cache_Control", "no-store", "BROKER_CACHE_CONTROL"),
        ("Content_Type", "application/octet-stream", "BROKER_MEDIA_URL"),
    ],
)
def test_a_cdn_that_changes_a_header_is_a_failure(
    anywhere: Deployment, header: str, value: str, setting: str
) -> None:
    server, name = anywhere.bucket.server.endpoint_url, anywhere.bucket.name
    with header_proxy(server, **{header: value}) as url:
        report = anywhere.doctor(MEDIA_URL=f"{url}/{name}/media")
    fault = report.of("public-read", "fail")
    assert value in fault["detail"]
    assert fault["setting"] == setting
    assert fault["fix"].startswith("make sure that")
    assert report.failed == {"public-read"}


@pytest.fixture
def moto_url() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
    finally:
        server.stop()


def test_an_s3_server_that_checks_no_policy_is_a_failure(
    deployment: Deployment, moto_url: str
) -> None:
    client = boto3.client("s3", endpoint_url=moto_url)
    client.create_bucket(Bucket=deployment.bucket.name)
    report = deployment.doctor(S3_ENDPOINT_URL=moto_url)
    fault = report.of("policy", "fail")
    assert fault["detail"].startswith("THE BUCKET ACCEPTS FORMS WITH A CHANGED KEY")
    assert fault["setting"] == "BROKER_S3_ENDPOINT_URL"
    assert fault["fix"].startswith("use an S3 server that enforces POST policies")
    assert "accepts parts with other bytes" in report.of("multipart", "warn")["detail"]
    assert "removal" in report.passed
    assert client.list_objects_v2(Bucket=deployment.bucket.name)["KeyCount"] == 0


def test_a_run_that_ends_by_sigterm_removes_its_objects(anywhere: Deployment) -> None:
    def lines(finding: Finding) -> list[str]:
        if finding.check == "incoming":
            assert anywhere.keys() != []
            os.kill(os.getpid(), signal.SIGTERM)
        return []

    anywhere.monkeypatch.setattr(report, "lines", lines)
    handler = signal.getsignal(signal.SIGTERM)
    assert run().exit_code == 128 + signal.SIGTERM
    assert anywhere.keys() == []
    assert signal.getsignal(signal.SIGTERM) is handler


def test_an_interrupted_run_removes_its_objects(anywhere: Deployment) -> None:
    findings = examine()
    for finding in findings:
        if finding.check == "ticket":
            break
    assert anywhere.keys() != []
    findings.close()
    assert anywhere.keys() == []
