"""The store of the rate limits is not configured or down. The API works without it."""

from broker.local.process import free_ports
from tests.doctor.conftest import Environment

SETTING = "BROKER_RATE_LIMIT_STORAGE_URL"


def test_no_configured_store_is_a_warning(no_bucket: Environment) -> None:
    warned = no_bucket.doctor().of("rate-limits", "warn")
    assert warned["setting"] == SETTING
    assert "nobody is limited" in warned["detail"]


def test_a_store_that_is_down_is_a_warning(no_bucket: Environment) -> None:
    (port,) = free_ports(1)
    url = f"redis://:its-password@127.0.0.1:{port}/0"
    report = no_bucket.doctor(RATE_LIMIT_STORAGE_URL=url)
    warned = report.of("rate-limits", "warn")
    assert "ConnectionError" in warned["detail"]
    assert warned["fix"] == f"start the store, or correct {SETTING}"
    assert "its-password" not in report.text
