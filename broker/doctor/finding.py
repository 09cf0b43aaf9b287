"""What a check found: its outcome, and for a fault the setting and the fix."""

import re
from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """`skip` is a check that an earlier failure makes meaningless, or that nothing asks for."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    SKIP = "skip"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One line of the report. `detail`, `setting` and `fix` never hold a secret or signature."""

    check: str
    outcome: Outcome
    detail: str
    setting: str | None = None
    fix: str | None = None


def _plain(text: str) -> str:
    """Take user and password out of URLs."""
    return re.sub(r"://[^/@\s]*@", "://", text)


def ok(check: str, detail: str) -> Finding:
    """Say what was seen to work."""
    return Finding(check=check, outcome=Outcome.OK, detail=_plain(detail))


def skip(check: str, why: str) -> Finding:
    """Say why nothing was checked."""
    return Finding(check=check, outcome=Outcome.SKIP, detail=_plain(why))


def warn(check: str, detail: str, *, setting: str, fix: str) -> Finding:
    """Say what works, and should be otherwise."""
    return _fault(check, Outcome.WARN, detail, setting, fix)


def fail(check: str, detail: str, *, setting: str, fix: str) -> Finding:
    """Say what does not work, which setting it hangs on, and what to do."""
    return _fault(check, Outcome.FAIL, detail, setting, fix)


def _fault(check: str, outcome: Outcome, detail: str, setting: str, fix: str) -> Finding:
    return Finding(
        check=check, outcome=outcome, detail=_plain(detail), setting=setting, fix=_plain(fix)
    )
