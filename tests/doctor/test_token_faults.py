"""Token settings that are valid but dangerous or without effect."""

from tests.doctor.conftest import Environment
from tests.http.auth.issuer import running_issuer


def test_report_06_an_empty_key_set_is_named(no_bucket: Environment) -> None:
    no_bucket.monkeypatch.delenv("BROKER_JWT_SECRET")
    with running_issuer() as issuer:
        report = no_bucket.doctor(JWT_ALGORITHM="ES256", JWT_JWKS_URL=issuer.url)
    fault = report.of("jwks", "fail")
    assert "publishes no keys, so every token is refused" in fault["detail"]
    assert fault["setting"] == "BROKER_JWT_JWKS_URL"


def test_report_24_a_long_leeway_is_a_warning(no_bucket: Environment) -> None:
    found = no_bucket.doctor(JWT_LEEWAY="120").of("jwt", "warn")
    assert found["setting"] == "BROKER_JWT_LEEWAY"
    assert "accepted for 120 s" in found["detail"]
