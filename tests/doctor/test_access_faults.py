"""The broker's access to the bucket: URL, credentials, clock, region, the bucket itself."""

import socket
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from unittest.mock import patch

import botocore.auth
import pytest

from broker.doctor.checks import CHECKS
from broker.local.process import free_ports
from tests.doctor.conftest import FAR_REGION, Deployment, deploy, run
from tests.servers import S3Server
from tests.servers.header_proxy import header_proxy


def test_a_wrong_secret_key_is_named(anywhere: Deployment) -> None:
    report = anywhere.doctor(AWS_SECRET_ACCESS_KEY="not-the-secret-of-this-access-key")
    fault = report.of("credentials-known", "fail")
    assert fault["setting"] == "AWS_SECRET_ACCESS_KEY"
    assert "SignatureDoesNotMatch" in fault["detail"]
    assert fault["fix"] == "set AWS_SECRET_ACCESS_KEY to the secret of AWS_ACCESS_KEY_ID"
    assert report.failed == {"credentials-known"}
    assert report.exit_code == 1
    assert "not-the-secret" not in report.text


def test_an_unknown_access_key_is_named(anywhere: Deployment) -> None:
    report = anywhere.doctor(AWS_ACCESS_KEY_ID="AKIANOBODYHASTHISKEY")
    fault = report.of("credentials-known", "fail")
    assert fault["setting"] == "AWS_ACCESS_KEY_ID"
    assert "InvalidAccessKeyId" in fault["detail"]
    assert fault["fix"].startswith("set AWS_ACCESS_KEY_ID to a key that")
    assert report.failed == {"credentials-known"}


def test_without_credentials_the_other_checks_still_run(deployment: Deployment) -> None:
    deployment.monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    deployment.monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    report = deployment.doctor()
    fault = report.of("credentials", "fail")
    assert fault["setting"] == "AWS_ACCESS_KEY_ID"
    assert fault["fix"].startswith("set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
    assert {"database-writable", "jwt", "internal-url", "public-url"} <= report.passed
    assert len(report.findings) == len(CHECKS) + 1


def test_a_missing_profile_is_a_failure_without_a_traceback(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = deployment.doctor(AWS_PROFILE="nobody")
    monkeypatch.delenv("AWS_PROFILE")
    fault = report.of("aws-config", "fail")
    assert "nobody" in fault["detail"]
    assert fault["setting"] == "AWS_PROFILE"
    assert fault["fix"].startswith("set AWS_PROFILE, or unset it")
    assert {"database-writable", "jwt"} <= report.passed


def test_half_of_the_credentials_is_a_failure(deployment: Deployment) -> None:
    deployment.monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    report = deployment.doctor()
    assert report.of("aws-config", "fail")["setting"] == "AWS_SECRET_ACCESS_KEY"
    assert {"database-writable", "jwt"} <= report.passed


def test_the_fix_for_a_missing_bucket_is_bucket_apply(anywhere: Deployment) -> None:
    report = anywhere.doctor(S3_BUCKET="nobody-made-this-bucket")
    fault = report.of("bucket", "fail")
    assert fault["detail"] == "there is no bucket nobody-made-this-bucket"
    assert fault["setting"] == "BROKER_S3_BUCKET"
    assert fault["fix"] == "broker bucket apply"
    assert report.failed == {"bucket"}
    assert "ticket" not in report.passed


def test_a_wrong_region_is_named(
    strict_minio: S3Server, template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", FAR_REGION)
    deployment = deploy(strict_minio, template, tmp_path, monkeypatch, region=FAR_REGION)
    assert "region" in deployment.doctor(CORS_ORIGINS="").passed
    report = deployment.doctor(AWS_DEFAULT_REGION="us-east-1")
    fault = report.of("region", "fail")
    assert fault["setting"] == "AWS_DEFAULT_REGION"
    assert fault["fix"] == f"AWS_DEFAULT_REGION={FAR_REGION}"
    assert report.failed == {"region"}
    assert deployment.keys() == []


def test_report_25_a_wrong_aws_region_is_named(
    strict_minio: S3Server, template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", FAR_REGION)
    deployment = deploy(strict_minio, template, tmp_path, monkeypatch, region=FAR_REGION)
    fault = deployment.doctor(AWS_REGION="us-east-1").of("region", "fail")
    assert fault["setting"] == "AWS_REGION"
    assert fault["fix"] == f"AWS_REGION={FAR_REGION}"


def test_an_internal_url_without_a_server_is_a_failure(deployment: Deployment) -> None:
    public = deployment.bucket.server.endpoint_url
    closed = f"http://127.0.0.1:{free_ports(1)[0]}"
    report = deployment.doctor(S3_ENDPOINT_URL=closed, S3_PUBLIC_URL=public)
    fault = report.of("internal-url", "fail")
    assert "refused: nothing listens there" in fault["detail"]
    assert fault["setting"] == "BROKER_S3_ENDPOINT_URL"
    assert fault["fix"].startswith("start the S3 server, or set BROKER_S3_ENDPOINT_URL")
    assert report.failed == {"internal-url"}
    assert "needs internal-url" in report.of("clock", "skip")["detail"]
    assert "public-url" in report.passed


def test_https_to_a_server_that_speaks_http_is_a_failure(deployment: Deployment) -> None:
    url = deployment.bucket.server.endpoint_url.replace("http:", "https:")
    fault = deployment.doctor(S3_ENDPOINT_URL=url).of("internal-url", "fail")
    assert "speaks plain HTTP" in fault["detail"]
    assert fault["setting"] == "BROKER_S3_ENDPOINT_URL"


def test_an_internal_url_that_never_answers_fails_within_seconds(deployment: Deployment) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        report = deployment.doctor(
            S3_ENDPOINT_URL=f"http://127.0.0.1:{silent.getsockname()[1]}",
            S3_PUBLIC_URL=deployment.bucket.server.endpoint_url,
        )
        assert time.monotonic() - began < 15
    assert "no answer within 4 s" in report.of("internal-url", "fail")["detail"]


def test_an_internal_url_of_another_kind_of_server_is_a_failure(deployment: Deployment) -> None:
    server = deployment.bucket.server.endpoint_url
    report = deployment.doctor(S3_ENDPOINT_URL=f"{server}/healthz/no/such/path")
    assert report.exit_code == 1


@pytest.mark.parametrize(("minutes", "outcome"), [(1, "warn"), (-6, "fail"), (20, "fail")], ids=str)
def test_a_clock_that_differs_from_the_bucket_s_is_reported(
    anywhere: Deployment, minutes: int, outcome: str
) -> None:
    theirs = datetime.now(UTC) - timedelta(minutes=minutes)
    date = format_datetime(theirs, usegmt=True)
    with header_proxy(anywhere.bucket.server.endpoint_url, Date=date) as url:
        report = anywhere.doctor(S3_ENDPOINT_URL=url)
    found = report.of("clock", outcome)
    seconds = int(found["detail"].split(" is ")[1].split(" s ")[0])
    assert abs(minutes) * 60 - 5 <= seconds <= abs(minutes) * 60 + 5
    assert ("ahead of" if minutes > 0 else "behind") in found["detail"]
    assert found["setting"] == "the system clock"
    assert found["fix"] == "timedatectl set-ntp true"
    assert report.failed == ({"clock"} if outcome == "fail" else set())


def test_a_refused_time_is_reported_as_the_clock_s_fault(anywhere: Deployment) -> None:
    late = datetime.now(UTC) - timedelta(minutes=20)
    with patch.object(botocore.auth, "get_current_datetime", lambda *_: late.replace(tzinfo=None)):
        report = anywhere.doctor()
    fault = report.of("clock", "fail")
    assert "RequestTimeTooSkewed" in fault["detail"]
    assert fault["fix"] == "timedatectl set-ntp true"
    assert report.failed == {"clock"}


def test_the_report_has_a_line_for_each_check_and_below_it_setting_and_fix(
    deployment: Deployment,
) -> None:
    deployment.set(S3_BUCKET="nobody-made-this-bucket")
    done = run()
    assert done.exit_code == 1
    at = done.stdout.splitlines().index(
        "fail  bucket             there is no bucket nobody-made-this-bucket"
    )
    setting, fix = done.stdout.splitlines()[at + 1 : at + 3]
    assert setting.strip() == "setting: BROKER_S3_BUCKET"
    assert fix.strip() == "fix: broker bucket apply"
    assert done.stdout.splitlines()[-1] == "13 ok, 1 warn, 1 fail, 21 skip"
