"""Compare this machine's clock with the bucket's, by the Date header of its answer.

S3 refuses requests that are signed more than 15 minutes off ("RequestTimeTooSkewed").
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from broker.doctor.examination import Examination
from broker.doctor.finding import Finding, fail, ok, skip, warn

CHECK = "clock"
SETTING = "the system clock"
WARN_SECONDS = 30
FAIL_SECONDS = 300
FIX = "timedatectl set-ntp true"


def check(examination: Examination) -> Iterator[Finding]:
    """Compare the two clocks; if S3 itself reports a difference, fail."""
    answer = examination.signed_answer
    now = examination.now()
    if answer.code == "RequestTimeTooSkewed":
        yield fail(
            CHECK,
            f"the bucket refuses our time: {answer.summary}",
            setting=SETTING,
            fix=FIX,
        )
        return
    theirs = _date(answer.headers.get("Date"))
    if theirs is None:
        yield skip(CHECK, "the answer has no Date header")
        return
    seconds = round((now - theirs).total_seconds())
    words = f"this clock is {abs(seconds)} s {'ahead of' if seconds > 0 else 'behind'} the bucket's"
    if abs(seconds) > FAIL_SECONDS:
        yield fail(CHECK, f"{words}; S3 allows 900 s", setting=SETTING, fix=FIX)
    elif abs(seconds) > WARN_SECONDS:
        yield warn(CHECK, words, setting=SETTING, fix=FIX)
    else:
        yield ok(CHECK, f"within {max(abs(seconds), 1)} s of the bucket's clock")


def _date(header: str | None) -> datetime | None:
    try:
        found = parsedate_to_datetime(header or "")
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
