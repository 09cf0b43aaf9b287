"""S3's answers: recognize them, read errors, and report them to the broker."""

import html
import re
from contextlib import suppress

from broker_client.api import Api
from broker_client.errors import ClientError, ProxyAnswered, S3Refused
from broker_client.retry_policy import Decision, Failure
from broker_client.steps import Answer, Steps

# S3 API, "Error responses". Read with patterns: an XML parser would expand entities that anybody
# on the way can send.
_ERROR = re.compile(rb"\s*(?:<\?xml[^>]*>\s*)?<Error[\s>]")
_RESULT = re.compile(rb"\s*(?:<\?xml[^>]*>\s*)?<PostResponse[\s>]")
_PAGE = re.compile(rb"<html[\s>]", re.IGNORECASE)
_CODE = re.compile(rb"<Code>([^<]{1,100})</Code>")
_MESSAGE = re.compile(rb"<Message>([^<]*)</Message>")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]+")  # not allowed in a report


def is_from_s3(answer: Answer) -> bool:
    """Check whether S3 answered, and not a captive portal or a proxy in between.

    S3 answers an error with a document that has a code. The document's request id is not
    required, because Cloudflare R2 and Garage send none. A success has an ETag, a request id, or
    a form's document. A captive portal's page may have an ETag too.
    """
    if not 200 <= answer.status < 300:
        return bool(_ERROR.match(answer.body) and _CODE.search(answer.body))
    if _RESULT.match(answer.body):
        return True
    has_header = "etag" in answer.headers or "x-amz-request-id" in answer.headers
    return has_header and not _PAGE.search(answer.body[:1000])


def error_of(answer: Answer) -> ClientError:
    """Return the exception to raise after the last try got this answer."""
    return refusal(answer, "retry") if is_from_s3(answer) else ProxyAnswered(answer.status)


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
        from_proxy=not is_from_s3(answer),
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
