"""Check that the bucket enforces POST policies: it must refuse a changed form.

If the S3 server accepts such a form, anyone with a ticket can write anything.
"""

from collections.abc import Iterator

from broker.doctor import refusal
from broker.doctor.browser import Answer
from broker.doctor.examination import Examination
from broker.doctor.finding import Finding, fail, ok, skip
from broker.domain.transports import POST

CHECK = "policy"


def check(examination: Examination) -> Iterator[Finding]:
    """Send forms with a changed key, type, signature and digest."""
    trial, row = examination.trial, examination.settings.server
    if POST.name not in row.transports:
        yield skip(CHECK, f"{row.title} takes no forms (BROKER_S3_SERVER={row.name})")
        return
    changes = {
        "key": {"key": trial.incoming_key("elsewhere.png")},
        "Content-Type": {"Content-Type": "text/html"},
        "signature": {"x-amz-signature": "0" * 64},
    }
    if row.signs_digests:
        changes["digest"] = {"x-amz-checksum-sha256": "A" * 43 + "="}
    taken = []
    for name, changed in changes.items():
        answer = trial.send(trial.issue(POST), None, **changed)
        if _has_no_forms(answer):
            yield skip(CHECK, f"this server does not support forms: {answer.summary}")
            return
        if refusal.granted(answer):
            taken.append(name)
    if taken:
        yield fail(
            CHECK,
            f"THE BUCKET ACCEPTS FORMS WITH A CHANGED {', '.join(taken).upper()}",
            setting="BROKER_S3_ENDPOINT_URL",
            fix="use an S3 server that enforces POST policies (docs/s3-servers.md)",
        )
    else:
        yield ok(CHECK, f"forms are refused with a changed {', '.join(changes)}")


def _has_no_forms(answer: Answer) -> bool:
    return answer.status == 501 or answer.code == "NotImplemented"
