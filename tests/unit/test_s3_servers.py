"""The table of S3 servers, and how the settings read it."""

import dataclasses

import pytest

from broker.config import Settings, SettingsError
from broker.domain.s3_servers import OTHER, S3_SERVERS, S3Server
from broker.domain.transports import TRANSPORTS

ROWS = pytest.mark.parametrize("row", S3_SERVERS.values(), ids=list(S3_SERVERS))


@pytest.fixture(autouse=True)
def _required(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROKER_DATABASE_URL", "sqlite://")
    monkeypatch.setenv("BROKER_S3_BUCKET", "media-bucket")
    monkeypatch.setenv("BROKER_JWT_SECRET", "s" * 32)


@ROWS
def test_every_row_takes_parts_and_its_default_transport_and_no_unknown_one(row: S3Server) -> None:
    assert set(row.transports) <= set(TRANSPORTS)
    assert {"multipart", row.default_transport} <= set(row.transports)
    assert not TRANSPORTS[row.default_transport].has_parts


@ROWS
def test_every_row_but_other_says_where_it_comes_from(row: S3Server) -> None:
    assert all(source.startswith("https://") for source in row.sources)
    assert bool(row.sources) is (row is not OTHER)


def test_the_default_row_behaves_as_the_broker_did_before_there_was_a_table() -> None:
    settings = Settings.load()
    assert settings.server is OTHER
    assert settings.limits.default_transport == "post"
    assert dataclasses.replace(OTHER, name="", title="") == S3Server(
        name="",
        title="",
        lacks=None,
        expiry=OTHER.expiry,
        digest_errors=OTHER.digest_errors,
    )


def test_without_the_setting_the_default_transport_is_that_of_the_row(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BROKER_S3_SERVER", "r2")
    monkeypatch.setenv("BROKER_S3_INCOMING_BUCKET", "incoming-bucket")
    monkeypatch.setenv("BROKER_DEFAULT_TRANSPORT", "")
    assert Settings.load().limits.default_transport == "put"
    monkeypatch.setenv("BROKER_S3_SERVER", "minio")
    assert Settings.load().limits.default_transport == "post"
    monkeypatch.setenv("BROKER_DEFAULT_TRANSPORT", "put")
    assert Settings.load().limits.default_transport == "put"


def test_a_default_transport_that_the_row_lacks_stops_the_start_and_names_both_settings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BROKER_S3_SERVER", "r2")
    monkeypatch.setenv("BROKER_S3_INCOMING_BUCKET", "incoming-bucket")
    monkeypatch.setenv("BROKER_DEFAULT_TRANSPORT", "post")
    with pytest.raises(SettingsError) as stopped:
        Settings.load()
    assert str(stopped.value) == (
        "BROKER_DEFAULT_TRANSPORT: Cloudflare R2 does not take post (BROKER_S3_SERVER=r2); use put"
    )


def test_a_server_that_opens_whole_buckets_only_needs_a_second_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BROKER_S3_SERVER", "garage")
    with pytest.raises(SettingsError) as stopped:
        Settings.load()
    assert str(stopped.value) == (
        "BROKER_S3_INCOMING_BUCKET: required, because Garage can only make a whole bucket public"
        " (BROKER_S3_SERVER=garage)"
    )


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("BROKER_S3_SERVER", "canary", "must be one of aws, minio"),
        ("BROKER_DEFAULT_TRANSPORT", "multipart", "must be post or put"),
    ],
)
def test_an_unknown_name_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, says: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=f"{name}: {says}"):
        Settings.load()
