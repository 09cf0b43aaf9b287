"""The finding of a check: its outcome and, for a fault, the setting and the fix."""

import re
from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """The outcome. `skip`: an earlier check failed, or the settings do not use the feature."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    SKIP = "skip"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One line of the report. It never contains a secret or a signature."""

    check: str
    outcome: Outcome
    detail: str
    setting: str | None = None
    fix: str | None = None


def _plain(text: str) -> str:
    """Remove user and password from URLs."""
    return re.sub(r"://[^/@\s]*@", "://", text)


def ok(check: str, detail: str) -> Finding:
    """Return a finding for something that works."""
    return Finding(check=check, outcome=Outcome.OK, detail=_plain(detail))


def skip(check: str, why: str) -> Finding:
    """Return a finding for a check that was skipped, with the reason."""
    return Finding(check=check, outcome=Outcome.SKIP, detail=_plain(why))


def warn(check: str, detail: str, *, setting: str, fix: str) -> Finding:
    """Return a finding for something that works but should be changed."""
    return _fault(check, Outcome.WARN, detail, setting, fix)


def fail(check: str, detail: str, *, setting: str, fix: str) -> Finding:
    """Return a finding for something that does not work, with the setting and the fix."""
    return _fault(check, Outcome.FAIL, detail, setting, fix)


def _fault(check: str, outcome: Outcome, detail: str, setting: str, fix: str) -> Finding:
    return Finding(
        check=check, outcome=outcome, detail=_plain(detail), setting=setting, fix=_plain(fix)
    )
