"""Check that the settings load; report wrong, unknown and dangerous ones."""

import warnings
from collections.abc import Iterator

from broker.config import Settings, SettingsError
from broker.config.serving import PREFIX
from broker.doctor.finding import Finding, fail, ok, warn

CHECK = "settings"


def load() -> tuple[Settings | None, list[Finding]]:
    """Read the environment. Return the settings, or None if they are not usable, and findings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            settings = Settings.load()
        except SettingsError as error:
            return None, [_fault(line) for line in str(error).splitlines()]
    findings = [_warned(warning.message) for warning in caught]
    return settings, [*findings, *_dangers(settings)] or [ok(CHECK, "all settings are valid")]


def _fault(line: str) -> Finding:
    setting, _, message = line.partition(": ")
    if not setting.startswith(PREFIX):
        return fail(
            CHECK,
            line,
            setting=f"{PREFIX}PROFILES_FILE",
            fix=f"correct {setting} as docs/profiles.md describes",
        )
    missing = message == "Field required"
    return fail(
        CHECK,
        f"{setting} is not set" if missing else f"{setting}: {message}",
        setting=setting,
        fix=f"set {setting} as docs/settings.md describes",
    )


def _warned(warning: Warning | str) -> Finding:
    message = str(warning)
    name = message.split(" ")[0]
    return warn(
        CHECK,
        f"{name} is not a setting of the broker, so it has no effect",
        setting=name if name.startswith(PREFIX) else CHECK,
        fix=f"unset {name}, or correct its name (docs/settings.md)",
    )


def _dangers(settings: Settings) -> Iterator[Finding]:
    if settings.dev:
        yield warn(
            CHECK,
            "the page signs anyone in; this setting is only for `broker dev`",
            setting="BROKER_DEV",
            fix="unset BROKER_DEV",
        )
