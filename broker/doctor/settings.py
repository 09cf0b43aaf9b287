"""Do the settings load: one line for each that is wrong, unknown or dangerous."""

import warnings
from collections.abc import Iterator

from broker.config import Settings, SettingsError
from broker.config.old_names import RenamedSetting
from broker.config.serving import PREFIX
from broker.doctor.finding import Finding, fail, ok, warn

CHECK = "settings"


def load() -> tuple[Settings | None, list[Finding]]:
    """Read the environment; gives no settings where they cannot be used."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            settings = Settings.load()
        except SettingsError as error:
            return None, [_fault(line) for line in str(error).splitlines()]
    findings = [_warned(warning.message) for warning in caught]
    return settings, [*findings, *_dangers(settings)] or [ok(CHECK, "all can be used")]


def _fault(line: str) -> Finding:
    setting, _, message = line.partition(": ")
    missing = message == "Field required"
    return fail(
        CHECK,
        f"{setting} is not set" if missing else f"{setting}: {message}",
        setting=setting,
        fix=f"set {setting}; docs/settings.md says to what",
    )


def _warned(warning: Warning | str) -> Finding:
    message = str(warning)
    name = message.split(" ")[0]
    if isinstance(warning, RenamedSetting):
        return warn(CHECK, message, setting=name, fix=f"use the new name instead of {name}")
    return warn(
        CHECK,
        f"{name} is no setting of the broker, so it does nothing",
        setting=name if name.startswith(PREFIX) else CHECK,
        fix=f"unset {name}, or correct its name by docs/settings.md",
    )


def _dangers(settings: Settings) -> Iterator[Finding]:
    if settings.dev:
        yield warn(
            CHECK,
            "the page signs anyone in: this is for `broker dev` alone",
            setting="BROKER_DEV",
            fix="unset BROKER_DEV",
        )
