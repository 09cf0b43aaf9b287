"""The setting BROKER_PROFILES_FILE: its profiles are limits, and its errors stop each process."""

import sys
from pathlib import Path

import pytest

from broker.app import create_app
from broker.cli import main
from broker.config import Settings, SettingsError
from broker.config.background import BackgroundSettings
from broker.doctor import settings as doctor
from broker.local.dev_env import load_or_make
from tests.unit.profiles.broken_files import PAPER, PHOTO

BROKEN = PHOTO + "max_bytes = 0\n" + PAPER + 'prefx = "x"\n'
REQUIRED = {
    "BROKER_DATABASE_URL": "sqlite://",
    "BROKER_S3_BUCKET": "media-bucket",
    "BROKER_JWT_SECRET": "s" * 32,
}


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the path of the file of profiles; the environment names it."""
    path = tmp_path / "profiles.toml"
    for name, value in {**REQUIRED, "BROKER_PROFILES_FILE": str(path)}.items():
        monkeypatch.setenv(name, value)
    return path


def lines(file: Path) -> list[str]:
    return [
        f"{file}:4: photo.max_bytes: Input should be greater than or equal to 1",
        f"{file}:10: paper.prefx: is not a key of a profile; did you mean prefix?",
    ]


@pytest.mark.parametrize("kind", [Settings, BackgroundSettings])
def test_the_profiles_of_the_file_are_limits_of_every_process(
    file: Path, kind: type[Settings]
) -> None:
    file.write_text(PHOTO + "[ad_image]\nmax_count = 3\n")
    limits = kind.load().limits
    assert [profile.name for profile in limits.declared] == ["photo", "ad_image"]
    assert [profile.name for profile in limits.profiles] == ["ad_image", "avatar", "photo"]
    ad_image = limits.profiles.named("ad_image")
    assert ad_image is not None
    assert ad_image.max_count == 3


@pytest.mark.parametrize("value", [None, ""])
def test_without_a_file_there_are_only_the_built_in_profiles(
    file: Path, monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    monkeypatch.delenv("BROKER_PROFILES_FILE")
    if value is not None:
        monkeypatch.setenv("BROKER_PROFILES_FILE", value)
    assert Settings.load().limits.declared == ()


@pytest.mark.parametrize("kind", [Settings, BackgroundSettings])
def test_settings_report_each_error_of_the_file(file: Path, kind: type[Settings]) -> None:
    file.write_text(BROKEN)
    with pytest.raises(SettingsError) as error:
        kind.load()
    assert str(error.value).splitlines() == lines(file)


def test_a_missing_file_stops_the_start(file: Path) -> None:
    with pytest.raises(SettingsError) as error:
        Settings.load()
    assert str(error.value) == f"BROKER_PROFILES_FILE: {file}: No such file or directory"


def test_an_app_of_any_server_does_not_start(file: Path) -> None:
    file.write_text(BROKEN)
    with pytest.raises(SettingsError, match="photo.max_bytes"):
        create_app()


@pytest.mark.parametrize(
    "command",
    [
        ["serve", "--", "true"],
        ["reap", "--once"],
        ["background"],
        ["db", "check"],
        ["reconcile"],
        ["bucket", "apply"],
    ],
)
def test_a_command_prints_each_error_and_does_not_start(
    file: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: list[str],
) -> None:
    file.write_text(BROKEN)
    monkeypatch.setattr(sys, "argv", ["broker", *command])
    # These change their whole process before they read the settings.
    for module in ("worker", "background"):
        monkeypatch.setattr(f"broker.cli.{module}.protect_parent", lambda: None)
    monkeypatch.setattr("broker.telemetry.logs.configure", lambda: None)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code in (1, 2)
    assert capsys.readouterr().err.splitlines() == [f"broker: {lines(file)[0]}", lines(file)[1]]


def test_the_doctor_has_a_finding_for_each_error(file: Path) -> None:
    file.write_text(BROKEN)
    settings, findings = doctor.load()
    assert settings is None
    assert [finding.detail for finding in findings] == lines(file)
    assert {finding.setting for finding in findings} == {"BROKER_PROFILES_FILE"}
    assert findings[0].fix == f"correct {file}:4 as docs/profiles.md describes"


def test_a_quota_must_allow_the_largest_file_of_each_profile(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text(PHOTO + 'max_bytes = "20GiB"\n')
    with pytest.raises(SettingsError, match=r"^BROKER_QUOTA_BYTES: .*that of photo is larger$"):
        Settings.load()
    for quota in (0, 20 * 1024**3):
        monkeypatch.setenv("BROKER_QUOTA_BYTES", str(quota))
        assert Settings.load().limits.quota_bytes == quota
    # The file's ad_image replaces the setting.
    file.write_text("[ad_image]\nmax_bytes = 5\n[avatar]\nmax_bytes = 5\n")
    monkeypatch.setenv("BROKER_QUOTA_BYTES", "5")
    assert Settings.load().limits.quota_bytes == 5


@pytest.mark.parametrize("location", ["private", "private/media", "incoming", "/private/"])
def test_public_files_have_another_location_than_private_ones(
    file: Path, monkeypatch: pytest.MonkeyPatch, location: str
) -> None:
    file.write_text(PAPER)
    monkeypatch.setenv("BROKER_MEDIA_LOCATION", location)
    with pytest.raises(SettingsError, match="^BROKER_MEDIA_LOCATION: .* not incoming or private$"):
        Settings.load()


def test_broker_dev_passes_an_absolute_path_to_its_processes(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BROKER_PROFILES_FILE", "profiles.toml")
    values = load_or_make(tmp_path / "data", port=8000, s3_port=8333)
    assert values["BROKER_PROFILES_FILE"] == str(file.resolve())
