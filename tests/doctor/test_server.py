"""The check `server`: which row of the table fits what answers."""

from tests.doctor.conftest import Deployment
from tests.servers.header_proxy import header_proxy


def test_the_default_row_fits_and_the_better_one_is_named(anywhere: Deployment) -> None:
    found = anywhere.doctor().of("server", "ok")
    name = {"MinIO": "minio", "SeaweedFS": "seaweedfs"}
    (title,) = [title for title in name if title in found["detail"]]
    assert f"row {name[title]} fits as well" in found["detail"]
    found = anywhere.doctor(S3_SERVER=name[title]).of("server", "ok")
    assert found["detail"] == f"answers like {title}: row {name[title]} fits"


def test_a_row_that_says_other_things_is_a_warning_with_what_differs(
    deployment: Deployment,
) -> None:
    report = deployment.doctor(S3_SERVER="ceph")
    fault = report.of("server", "warn")
    assert fault["detail"] == (
        "answers like SeaweedFS (row seaweedfs fits), not like BROKER_S3_SERVER=ceph:"
        " it enforces and returns digests; it checks the condition of a copy"
    )
    assert (fault["setting"], fault["fix"]) == ("BROKER_S3_SERVER", "BROKER_S3_SERVER=seaweedfs")
    assert report.failed == set()


def test_a_row_of_another_server_that_says_the_same_things_is_a_warning(
    deployment: Deployment,
) -> None:
    fault = deployment.doctor(S3_SERVER="minio").of("server", "warn")
    assert fault["detail"] == "the server says that it is SeaweedFS, and BROKER_S3_SERVER is minio"
    assert fault["fix"] == "BROKER_S3_SERVER=seaweedfs"


def test_a_server_without_forms_is_recognised_although_tickets_fail(
    deployment: Deployment,
) -> None:
    def answered(method: str, path: str) -> int | None:
        return 501 if method == "POST" and "?" not in path else None

    with header_proxy(
        deployment.bucket.server.endpoint_url, answered=answered, Server="cloudflare"
    ) as url:
        fault = deployment.doctor(S3_ENDPOINT_URL=url).of("server", "warn")
        assert fault["detail"].startswith("answers like Cloudflare R2 (row r2 fits)")
        assert "it takes no forms" in fault["detail"]
        deployment.set(S3_SERVER="r2", S3_INCOMING_BUCKET="incoming-bucket")
        deployment.client().create_bucket(Bucket="incoming-bucket")
        report = deployment.doctor()
    assert report.of("server", "ok")["detail"] == "answers like Cloudflare R2: row r2 fits"
    assert "takes no forms" in report.of("policy", "skip")["detail"]
    assert "PUT" in report.of("ticket", "ok")["detail"]
    assert "removal" in report.passed


def test_nothing_is_said_of_a_server_that_takes_nothing(deployment: Deployment) -> None:
    def answered(method: str, _path: str) -> int | None:
        return 403 if method in ("POST", "PUT") else None

    with header_proxy(deployment.bucket.server.endpoint_url, answered=answered) as url:
        report = deployment.doctor(S3_ENDPOINT_URL=url)
    assert report.of("server", "skip")["detail"].startswith("the server takes neither")
