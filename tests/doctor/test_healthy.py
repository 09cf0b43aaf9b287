"""A healthy deployment: every check is made, none fails, and nothing is left behind."""

from broker.doctor.run import CHECKS
from tests.doctor.conftest import Deployment


def test_every_check_passes_on_each_server(anywhere: Deployment) -> None:
    report = anywhere.doctor()
    assert report.failed == set()
    assert report.exit_code == 0
    skipped = {f["check"] for f in report.findings if f["outcome"] == "skip"}
    assert skipped == {"jwks", "broker-url"}
    assert report.passed == {"settings", "etag", *(c.name for c in CHECKS)} - skipped
