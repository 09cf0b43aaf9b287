"""Servers that return no digests, or do not enforce them."""

from tests.doctor.conftest import Deployment
from tests.servers.header_proxy import header_proxy


def test_report_13_a_server_without_digests_is_a_warning(deployment: Deployment) -> None:
    with header_proxy(deployment.bucket.server.endpoint_url, dropped="x-amz-checksum") as url:
        report = deployment.doctor(S3_ENDPOINT_URL=url)
    fault = report.of("confirm", "warn")
    assert fault["detail"].startswith("this server returns no SHA-256")
    assert fault["setting"] == "BROKER_INSPECTION"
    assert report.failed == set()


def test_report_05_a_server_that_enforces_no_digests_of_parts_is_a_warning(
    deployment: Deployment,
) -> None:
    """Ceph 16 answers as for the right bytes."""

    def answered(method: str, path: str) -> int | None:
        return 200 if method == "PUT" and "partNumber" in path else None

    with header_proxy(deployment.bucket.server.endpoint_url, answered=answered) as url:
        report = deployment.doctor(S3_ENDPOINT_URL=url)
    fault = report.of("multipart", "warn")
    assert "accepts parts with other bytes than their digest" in fault["detail"]
    assert report.failed == set()
