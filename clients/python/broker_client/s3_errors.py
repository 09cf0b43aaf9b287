"""S3's error answers: read them, and report them to the broker."""

import html
import re
from contextlib import suppress

from broker_client.api import Api
from broker_client.errors import ClientError, S3Refused
from broker_client.retry_policy import Decision, Failure
from broker_client.steps import Answer, Steps

# S3 API, "Error responses". Read with patterns, because an XML parser would expand entities, and an
# attacker on the network could send them.
_CODE = re.compile(rb"<Code>([^<]{1,100})</Code>")
_MESSAGE = re.compile(rb"<Message>([^<]*)</Message>")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]+")  # not allowed in a report


def refusal(answer: Answer, action: str) -> S3Refused:
    """Read S3's XML. Without a code in the body, the code is made from the status."""
    code = _CODE.search(answer.body)
    message = _MESSAGE.search(answer.body)
    return S3Refused(
        (_text(code[1]) if code else "") or f"HTTP{answer.status}",
        answer.status,
        _text(message[1])[:1000] if message else "",
        action,
    )


def s3_failure(answer: Answer) -> Failure:
    """Return S3's answer in the form that the retry rules use."""
    found = refusal(answer, "")
    return Failure(
        status=found.status,
        code=found.code,
        message=found.message,
        retry_after=answer.retry_after,
    )


def report_failure(api: Api, upload_id: str, answer: Answer) -> Steps[Decision]:
    """Report a refusal to the broker. Return its advice: retry, renew or confirm.

    Raises:
        S3Refused: the broker advises to give up. The upload is cancelled, its slot is free.
    """
    found = refusal(answer, "give_up")
    report = {"code": found.code, "message": found.message}
    answered = yield from api.call("POST", f"/api/uploads/{upload_id}/failures/", report)
    decision = api.policy.decide("advice", Failure(code=str(answered["action"])))
    if decision is not Decision.GIVE_UP:
        return decision
    with suppress(ClientError):  # the upload expires by itself, so raise S3's refusal
        yield from api.call("DELETE", f"/api/uploads/{upload_id}/")
    raise found


def _text(raw: bytes) -> str:
    return _UNPRINTABLE.sub(" ", html.unescape(raw.decode("utf-8", "replace"))).strip()
