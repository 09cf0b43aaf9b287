"""The error of invalid settings, and its lines: one for each fault, never with a value."""

from pydantic import ValidationError

from broker.config.serving import PREFIX


class SettingsError(Exception):
    """The settings are invalid. The message has a line for each error: `NAME: message`.

    An error in BROKER_PROFILES_FILE is `FILE:LINE: PROFILE.KEY: message`.
    """


def lines_of(error: ValidationError) -> list[str]:
    """Return a line for each fault; it names the setting and the rule, not the value."""
    lines = []
    for fault in error.errors(include_input=False, include_url=False):
        name = PREFIX + str(fault["loc"][0]).upper() + ": " if fault["loc"] else ""
        lines.append(name + fault["msg"].removeprefix("Value error, "))
    return lines
