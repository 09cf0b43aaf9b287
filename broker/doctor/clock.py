"""The clock: how far is this machine's from the bucket's, by the Date of its answer.

S3 refuses what was signed more than 15 minutes off ("RequestTimeTooSkewed").
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
    """Compare the two clocks, and believe S3 where it says that they differ."""
    answer = examination.signed_answer
    now = examination.now()
    if answer.code == "RequestTimeTooSkewed":
        yield fail(CHECK, f"the bucket refuses our time: {answer.said}", setting=SETTING, fix=FIX)
        return
    theirs = _date(answer.headers.get("Date"))
    if theirs is None:
        yield skip(CHECK, "the answer has no Date")
        return
    seconds = round((now - theirs).total_seconds())
    words = f"{abs(seconds)} s {'ahead of' if seconds > 0 else 'behind'} the bucket's"
    if abs(seconds) > FAIL_SECONDS:
        yield fail(CHECK, f"this machine's is {words}; S3 refuses at 900", setting=SETTING, fix=FIX)
    elif abs(seconds) > WARN_SECONDS:
        yield warn(CHECK, f"this machine's is {words}", setting=SETTING, fix=FIX)
    else:
        yield ok(CHECK, f"within {max(abs(seconds), 1)} s of the bucket's")


def _date(header: str | None) -> datetime | None:
    try:
        found = parsedate_to_datetime(header or "")
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
