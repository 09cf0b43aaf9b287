"""The settings: what is accepted, and how a bad value stops the start without showing itself."""

from pathlib import Path

import pytest

from broker.config import Settings, SettingsError

SECRET = "a-secret-of-the-tests-alone-0123456789abcdef"
PEM = "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"


@pytest.fixture(autouse=True)
def enough_to_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROKER_DATABASE_URL", "sqlite://")
    monkeypatch.setenv("BROKER_S3_BUCKET", "media-bucket")
    monkeypatch.setenv("BROKER_JWT_SECRET", SECRET)


def refusal(monkeypatch: pytest.MonkeyPatch, **values: str) -> str:
    for name, value in values.items():
        monkeypatch.setenv(f"BROKER_{name.upper()}", value)
    with pytest.raises(SettingsError) as caught:
        Settings.load()
    return str(caught.value)


def test_three_settings_are_enough_to_start() -> None:
    settings = Settings.load()
    assert settings.media_location == "media"
    assert settings.rules.ticket_ttl == 300
    assert settings.rules.cache_control == "public, max-age=86400"


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Settings.load().ticket_ttl = 1  # type: ignore[misc]


def test_every_bad_value_is_a_line_with_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BROKER_S3_BUCKET")
    lines = refusal(monkeypatch, ticket_ttl="soon", s3_addressing="both").splitlines()
    names = {line.partition(":")[0] for line in lines}
    assert names == {"BROKER_S3_BUCKET", "BROKER_TICKET_TTL", "BROKER_S3_ADDRESSING"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("jwt_secret", "too-short-a-secret"),
        ("ticket_ttl", "3601"),
        ("ticket_grace", "-1"),
        ("max_images_per_ad", "0"),
        ("require_checksum", "perhaps"),
        ("default_transport", "pigeon"),
        ("jwt_algorithm", "none"),
        ("s3_endpoint_url", "ftp://bucket.example"),
        ("media_location", "incoming"),
        ("media_location", "/"),
        ("media_location", "media/../other"),
    ],
)
def test_a_bad_value_is_refused_by_name_and_never_shown(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = refusal(monkeypatch, **{name: value})
    assert said.startswith(f"BROKER_{name.upper()}: ")
    assert len(value) < 5 or value not in said.replace("and not incoming", "")


@pytest.mark.parametrize(
    "origin",
    [
        "*",
        "https://*",
        "https://*.shop.example",
        "https://shop.example/",
        "https://shop.example/page",
        "https://user@shop.example",
        "https://shop.example$",
        "https://[::1]",
        "null",
        "shop.example",
    ],
)
def test_what_is_no_single_origin_is_refused(origin: str, monkeypatch: pytest.MonkeyPatch) -> None:
    said = refusal(monkeypatch, cors_origins=f"https://shop.example,{origin}")
    assert said.startswith("BROKER_CORS_ORIGINS: ")


def test_origins_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROKER_CORS_ORIGINS", "https://shop.example, http://127.0.0.1:8000")
    assert Settings.load().cors_origins == ("https://shop.example", "http://127.0.0.1:8000")


def test_a_location_is_cleaned_of_slashes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROKER_MEDIA_LOCATION", "/media/shop/")
    assert Settings.load().media_location == "media/shop"


def test_hs256_takes_no_public_key(monkeypatch: pytest.MonkeyPatch) -> None:
    said = refusal(monkeypatch, jwt_public_key=PEM)
    assert said.startswith("BROKER_JWT_SECRET: ")
    assert SECRET not in said


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"jwt_public_key": PEM, "jwt_jwks_url": "https://issuer.example/jwks"},
        {"jwt_public_key": PEM, "jwt_secret": SECRET},
    ],
    ids=["none", "both", "a secret too"],
)
def test_a_signing_algorithm_takes_exactly_one_source_of_keys(
    algorithm: str, keys: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BROKER_JWT_SECRET")
    said = refusal(monkeypatch, jwt_algorithm=algorithm, **keys)
    assert said.startswith("BROKER_JWT_PUBLIC_KEY: ")


def test_a_public_key_is_text_or_a_file_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BROKER_JWT_SECRET")
    monkeypatch.setenv("BROKER_JWT_ALGORITHM", "RS256")
    file = tmp_path / "key.pem"
    file.write_text(PEM)
    for value in (PEM, str(file)):
        monkeypatch.setenv("BROKER_JWT_PUBLIC_KEY", value)
        assert Settings.load().jwt_public_key_pem == PEM


def test_a_public_key_that_cannot_be_read_stops_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BROKER_JWT_SECRET")
    path = str(tmp_path / "nowhere.pem")
    said = refusal(monkeypatch, jwt_algorithm="RS256", jwt_public_key=path)
    assert said.startswith("BROKER_JWT_PUBLIC_KEY: ")
    assert path not in said


def test_an_unknown_name_is_warned_of_and_does_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROKER_TICKET_TLL", "60")
    with pytest.warns(UserWarning, match="BROKER_TICKET_TLL is no setting"):
        assert Settings.load().ticket_ttl == 300


def test_a_secret_is_not_in_the_settings_text() -> None:
    assert SECRET not in repr(Settings.load())
