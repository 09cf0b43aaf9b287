"""S3's refusals: what they say, and what the broker advises to do about them."""

import html
import re
from contextlib import suppress

from broker_client.calls import Rules
from broker_client.errors import ClientError, S3Refused
from broker_client.steps import Answer, Steps

# S3 API, "Error responses". Read by pattern: an XML parser would expand what a stranger sends.
_CODE = re.compile(rb"<Code>([^<]{1,100})</Code>")
_MESSAGE = re.compile(rb"<Message>([^<]*)</Message>")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]+")  # no report may have them
ARRIVED = (200, 201, 204)


def refusal(answer: Answer, action: str) -> S3Refused:
    """Read S3's XML; a body without a code gets one from its status."""
    code = _CODE.search(answer.body)
    message = _MESSAGE.search(answer.body)
    return S3Refused(
        (_text(code[1]) if code else "") or f"HTTP{answer.status}",
        answer.status,
        _text(message[1])[:1000] if message else "",
        action,
    )


def is_expired(answer: Answer) -> bool:
    """Tell a form or URL whose time has passed: AccessDenied, and the message alone says why."""
    return answer.status == 403 and "expired" in refusal(answer, "").message.lower()


def may_pass(answer: Answer) -> bool:
    """Tell what is tried again without the broker's advice.

    RequestTimeout, a 400, and a proxy's 408: the line was dead for so long that they hung up. The
    broker gives an upload up after a few reports, and a train has many tunnels.
    """
    if answer.status in (408, 429) or answer.status >= 500:
        return True
    return refusal(answer, "").code == "RequestTimeout"


def advice(rules: Rules, upload_id: str, answer: Answer) -> Steps[str]:
    """Report a refusal; gives `retry`, `renew` or `confirm`.

    Raises:
        S3Refused: the broker says `give_up`; the upload's place has been given back.
    """
    found = refusal(answer, "give_up")
    report = {"code": found.code, "message": found.message}
    told = yield from rules.call("POST", f"/api/uploads/{upload_id}/failures/", report)
    action = str(told["action"])
    if action in ("retry", "renew", "confirm"):
        return action
    with suppress(ClientError):  # it would expire by itself, and S3's refusal is what matters
        yield from rules.call("DELETE", f"/api/uploads/{upload_id}/")
    raise found


def _text(raw: bytes) -> str:
    return _UNPRINTABLE.sub(" ", html.unescape(raw.decode("utf-8", "replace"))).strip()
