"""An invalid setting stops the start; the message has its name and never its value."""

from dataclasses import replace

import pytest

from broker.config import Settings, SettingsError
from broker.config.background import BackgroundSettings
from broker.domain.limits import Limits
from broker.domain.profiles import Profile, Visibility

GOOD = {
    "BROKER_DATABASE_URL": "sqlite://",
    "BROKER_S3_BUCKET": "media-bucket",
    "BROKER_JWT_SECRET": "s" * 32,
}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BROKER_DATABASE_URL", None),
        ("BROKER_S3_BUCKET", None),
        ("BROKER_JWT_SECRET", None),
        ("BROKER_JWT_SECRET", "tooshort-canary"),
        ("BROKER_TICKET_TTL", "canary"),
        ("BROKER_TICKET_TTL", "-1"),
        ("BROKER_S3_ENDPOINT_URL", "canary"),
        ("BROKER_S3_ENDPOINT_URL", "http://minio:canary"),
        ("BROKER_S3_ENDPOINT_URL", "http://canary_minio:9000"),
        ("BROKER_S3_PUBLIC_URL", "http://canary_minio:9000"),
        ("BROKER_S3_BUCKET", "bucket/canary"),
        ("BROKER_S3_BUCKET", "bucket-canary\n"),
        ("BROKER_S3_ADDRESSING", "canary"),
        ("BROKER_CACHE_CONTROL", "public\nX-Canary: canary"),
        ("BROKER_PUBLIC_URL", "https://shop.example:canary"),
        ("BROKER_CORS_ORIGINS", "*"),
        ("BROKER_CORS_ORIGINS", "https://shop.example/canary"),
        ("BROKER_RETURN_ORIGINS", "*"),
        ("BROKER_RETURN_ORIGINS", "https://shop.example/canary"),
        ("BROKER_MEDIA_LOCATION", "incoming"),
        ("BROKER_MEDIA_LOCATION", "private"),
        ("BROKER_MEDIA_LOCATION", "private/canary"),
        ("BROKER_PRIVATE_ACCESS_KEY_ID", "canary"),
        ("BROKER_RATE_LIMIT_STORAGE_URL", "canary"),
        ("BROKER_RATE_LIMIT_STORAGE_URL", "memcached://canary"),
        ("BROKER_RATE_LIMIT_STORAGE_URL", "redis://host:canary/0"),
        ("BROKER_RATE_LIMIT_STORAGE_URL", "memory://"),
        ("BROKER_RATE_LIMIT_USER", "canary"),
        ("BROKER_RATE_LIMIT_USER", "0"),
        ("BROKER_QUOTA_BYTES", "-1"),
        ("BROKER_QUOTA_BYTES", "1000000"),
        ("BROKER_QUOTA_FILES", "canary"),
        ("BROKER_QUOTA_WINDOW", "0"),
        ("BROKER_EVENTS_RETENTION", "canary"),
        ("BROKER_EVENTS_RETENTION", "60"),
        ("BROKER_UPLOADS_RETENTION", "60"),
        ("BROKER_TRUSTED_PROXIES", "canary"),
        ("BROKER_TRUSTED_PROXIES", "10.0.0.1/8"),
        ("BROKER_TRUSTED_PROXIES", "*"),
        ("BROKER_ALLOWED_HOSTS", "*"),
        ("BROKER_ALLOWED_HOSTS", "https://canary"),
        ("BROKER_HSTS_SECONDS", "-1"),
        ("BROKER_JWT_ALGORITHM", "none"),
        ("BROKER_JWT_USER_CLAIM", ""),
        ("BROKER_JWT_USER_CLAIM", "exp"),
        ("BROKER_JWT_JWKS_MAX_AGE", "0"),
        ("BROKER_JWT_LEEWAY", "301"),
        ("BROKER_JWT_LEEWAY", "-1"),
        ("BROKER_JWT_TOKEN_TYPE", "canary"),
        ("BROKER_JWT_TOKEN_TYPE", "typ="),
        ("BROKER_JWT_TOKEN_TYPE", "=canary"),
        ("BROKER_JWT_ROLE_CLAIM", ""),
        ("BROKER_JWT_SERVICE_ROLE", ""),
    ],
)
def test_the_error_of_an_invalid_value_has_its_name_and_not_the_value(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str | None
) -> None:
    for good, text in GOOD.items():
        monkeypatch.setenv(good, text)
    if value is None:
        monkeypatch.delenv(name)
    else:
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as error:
        Settings.load()
    assert name in str(error.value)
    assert "canary" not in str(error.value)


def test_an_unknown_setting_causes_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    for good, text in {**GOOD, "BROKER_TICKET_TLL": "300"}.items():
        monkeypatch.setenv(good, text)
    with pytest.warns(UserWarning, match="BROKER_TICKET_TLL"):
        assert Settings.load().ticket_ttl == 300


def test_secrets_are_not_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    for good, text in GOOD.items():
        monkeypatch.setenv(good, text)
    assert "ssss" not in repr(Settings.load())


def test_the_key_of_private_files_is_set_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    for good, text in {**GOOD, "BROKER_PRIVATE_SECRET_ACCESS_KEY": "canary"}.items():
        monkeypatch.setenv(good, text)
    for lacking in (None, ""):
        if lacking is not None:
            monkeypatch.setenv("BROKER_PRIVATE_ACCESS_KEY_ID", lacking)
        with pytest.raises(SettingsError, match="BROKER_PRIVATE_ACCESS_KEY_ID") as error:
            Settings.load()
        assert "canary" not in str(error.value)
    monkeypatch.setenv("BROKER_PRIVATE_ACCESS_KEY_ID", "reader")
    assert "canary" not in repr(Settings.load())


def test_a_private_profile_requires_the_key_that_reads_its_files_except_in_the_background(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    product = Profile(
        name="product", owner_kind="product", prefix="p/", content_types=(), max_bytes=1
    )
    invoice = replace(product, name="invoice", visibility=Visibility.PRIVATE)
    for good, text in GOOD.items():
        monkeypatch.setenv(good, text)
    declared = [product]
    monkeypatch.setattr(Settings, "limits", property(lambda _: Limits(declared=tuple(declared))))
    assert Settings.load().private_access_key_id is None
    declared.append(invoice)
    with pytest.raises(SettingsError) as error:
        Settings.load()
    assert str(error.value) == (
        "BROKER_PRIVATE_ACCESS_KEY_ID: set this and BROKER_PRIVATE_SECRET_ACCESS_KEY, because the"
        " profile invoice is private"
    )
    assert BackgroundSettings.load().private_access_key_id is None
    monkeypatch.setenv("BROKER_PRIVATE_ACCESS_KEY_ID", "reader")
    monkeypatch.setenv("BROKER_PRIVATE_SECRET_ACCESS_KEY", "secret")
    assert Settings.load().private_access_key_id == "reader"


def test_an_empty_drain_file_setting_means_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    for good, text in GOOD.items():
        monkeypatch.setenv(good, text)
    monkeypatch.setenv("BROKER_DRAIN_FILE", "")
    # Path("") is the current directory, which always exists.
    assert Settings.load().drain_file is None


def test_the_limits_of_services_default_to_the_settings_defaults(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("BROKER_INSPECTION")
    settings = Settings(database_url="sqlite://", s3_bucket="media-bucket", jwt_secret="s" * 32)
    assert settings.limits == Limits()


def test_the_limits_of_services_are_the_settings_of_the_same_names() -> None:
    settings = Settings(
        database_url="sqlite://",
        s3_bucket="media-bucket",
        jwt_secret="s" * 32,
        media_location="photos",
        ticket_ttl=77,
        reap="confirm",
    )
    assert settings.limits == Limits(
        location="photos", ticket_ttl=77, reap="confirm", inspection="off"
    )


@pytest.mark.parametrize("algorithm", ["HS256", "ES256"])
def test_a_background_process_needs_no_key_for_tokens(
    monkeypatch: pytest.MonkeyPatch, algorithm: str
) -> None:
    for name in ("BROKER_DATABASE_URL", "BROKER_S3_BUCKET"):
        monkeypatch.setenv(name, GOOD[name])
    monkeypatch.setenv("BROKER_JWT_ALGORITHM", algorithm)
    assert BackgroundSettings.load().jwt_secret is None
    with pytest.raises(SettingsError, match="BROKER_JWT_"):
        Settings.load()
    monkeypatch.delenv("BROKER_S3_BUCKET")
    with pytest.raises(SettingsError, match="BROKER_S3_BUCKET"):
        BackgroundSettings.load()


def test_uploads_are_kept_at_least_as_long_as_events_and_tickets(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for good, text in GOOD.items():
        monkeypatch.setenv(good, text)
    monkeypatch.setenv("BROKER_UPLOADS_RETENTION", "86400")
    with pytest.raises(SettingsError, match="BROKER_UPLOADS_RETENTION.*BROKER_EVENTS_RETENTION"):
        Settings.load()
    monkeypatch.setenv("BROKER_EVENTS_RETENTION", "3600")
    assert Settings.load().uploads_retention == 86400
    monkeypatch.setenv("BROKER_MULTIPART_TTL", "86400")
    with pytest.raises(SettingsError, match="BROKER_UPLOADS_RETENTION.*87300 seconds"):
        Settings.load()
