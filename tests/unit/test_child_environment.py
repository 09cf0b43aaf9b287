"""The processes of `broker background` get the settings, and each only its own secrets."""

import types
import typing

import pytest
from pydantic import SecretStr

from broker.config import PREFIX, Settings, SettingsError
from broker.config.child_environment import (
    CONSUMER,
    DELIVERER,
    REAPER,
    WORKER,
    ChildSecrets,
    background_environment,
    child_environment,
)

PRIVATE_KEY = ("BROKER_PRIVATE_ACCESS_KEY_ID", "BROKER_PRIVATE_SECRET_ACCESS_KEY")
KEYS = {
    f"BROKER_{holder}_AWS_{name}": f"{holder} {name}"
    for holder in ("WORKER", "REAPER", "CONSUMER")
    for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY")
}
COMMON = {
    "AWS_ACCESS_KEY_ID": "common id",
    "AWS_SECRET_ACCESS_KEY": "common secret",
    "AWS_SESSION_TOKEN": "common session",
    "AWS_WEB_IDENTITY_TOKEN_FILE": "/token",
}
PLAIN = {
    "PATH": "/bin",
    "AWS_REGION": "eu-central-1",
    "BROKER_DATABASE_URL": "sqlite://",
    "BROKER_WEBHOOK_URL": "https://shop.example/hook",
}


def secret_settings() -> set[str]:
    """Return the names of all settings whose type hides their value."""
    found = set()
    for name, field in Settings.model_fields.items():
        kinds = typing.get_args(field.annotation) or (field.annotation,)
        if isinstance(field.annotation, types.UnionType | type) and SecretStr in kinds:
            found.add(PREFIX + name.upper())
    return found


SECRETS = dict.fromkeys(
    [*secret_settings(), *PRIVATE_KEY, "BROKER_JWT_PUBLIC_KEY", "BROKER_TOKEN", "broker_jwt_secret"]
    + ["BROKER_WEBHOOK_SECRET"],
    "secret",
)
WHOLE = {**PLAIN, **SECRETS, **COMMON, **KEYS}


def test_the_settings_have_secrets() -> None:
    assert secret_settings() >= {
        "BROKER_JWT_SECRET",
        "BROKER_CAPABILITY_SECRET",
        "BROKER_RATE_LIMIT_STORAGE_URL",
        "BROKER_WORKER_AWS_SECRET_ACCESS_KEY",
    }


@pytest.mark.parametrize(
    ("secrets", "holder"), [(WORKER, "WORKER"), (REAPER, "REAPER"), (CONSUMER, "CONSUMER")]
)
def test_a_process_gets_its_own_key_and_no_other_secret(secrets: ChildSecrets, holder: str) -> None:
    assert child_environment(WHOLE, secrets) == {
        **PLAIN,
        "AWS_ACCESS_KEY_ID": f"{holder} ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY": f"{holder} SECRET_ACCESS_KEY",
    }


@pytest.mark.parametrize("secrets", [WORKER, REAPER, CONSUMER])
def test_a_process_without_a_key_of_its_own_gets_the_common_credentials(
    secrets: ChildSecrets,
) -> None:
    empty = dict.fromkeys(KEYS, "")
    for environment in ({**PLAIN, **SECRETS, **COMMON}, {**PLAIN, **COMMON, **empty}):
        assert child_environment(environment, secrets) == {**PLAIN, **COMMON}


def test_the_deliverer_gets_the_secret_of_webhooks_and_no_key() -> None:
    assert child_environment(WHOLE, DELIVERER) == {
        **PLAIN,
        "BROKER_WEBHOOK_SECRET": "secret",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def test_letter_case_does_not_matter_for_secrets_as_for_other_settings() -> None:
    lower = {
        **PLAIN,
        **COMMON,
        "broker_webhook_secret": "secret",
        **{name.lower(): value for name, value in KEYS.items()},
    }
    assert child_environment(lower, WORKER) == {
        **PLAIN,
        "AWS_ACCESS_KEY_ID": "WORKER ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY": "WORKER SECRET_ACCESS_KEY",
    }
    assert child_environment(lower, DELIVERER)["broker_webhook_secret"] == "secret"
    assert background_environment(lower) == lower


def test_broker_dev_keeps_the_secrets_of_the_api_from_its_background_processes() -> None:
    assert background_environment(WHOLE) == {
        **PLAIN,
        **COMMON,
        **KEYS,
        "BROKER_WEBHOOK_SECRET": "secret",
    }


@pytest.mark.parametrize("holder", ["WORKER", "REAPER", "CONSUMER"])
@pytest.mark.parametrize("half", ["ACCESS_KEY_ID", "SECRET_ACCESS_KEY"])
def test_half_a_key_is_an_error_that_names_both_settings_and_no_value(
    monkeypatch: pytest.MonkeyPatch, holder: str, half: str
) -> None:
    for name, value in PLAIN.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("BROKER_S3_BUCKET", "media-bucket")
    monkeypatch.setenv("BROKER_JWT_SECRET", "s" * 32)
    monkeypatch.delenv("BROKER_WEBHOOK_URL")
    monkeypatch.setenv(f"BROKER_{holder}_AWS_{half}", "canary")
    with pytest.raises(SettingsError) as error:
        Settings.load()
    assert str(error.value) == (
        f"BROKER_{holder}_AWS_ACCESS_KEY_ID: set this and BROKER_{holder}_AWS_SECRET_ACCESS_KEY, "
        "or neither"
    )
