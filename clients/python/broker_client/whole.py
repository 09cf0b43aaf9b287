"""Send a whole file by one POST form or one PUT, and confirm it."""

from typing import Any

from broker_client.bodies import Body, form_body
from broker_client.calls import Rules, paused
from broker_client.errors import NetworkError, ObjectMissing
from broker_client.files import Meter
from broker_client.models import Image, Ticket
from broker_client.s3_errors import ARRIVED, advice, is_expired, may_pass, refusal
from broker_client.source import Source
from broker_client.steps import Request, Steps, ask
from broker_client.tickets import Held, renew


def send_whole(rules: Rules, held: Held, source: Source, meter: Meter) -> Steps[Image]:
    """Send the file until it has arrived, and confirm.

    Each try that did not arrive costs one retry, whatever the reason; an expired form is
    renewed. 412 means that an earlier PUT, whose answer was lost, has arrived.

    Raises:
        S3Refused, NetworkError: no retry was left, or S3's refusal is final.
        BrokerError: UploadGone where the form can no longer be renewed.
    """
    upload_id, pauses = held.ticket.id, rules.pauses()
    while True:
        if rules.clock() >= held.until:
            held = yield from renew(rules, upload_id)
        request, body = _request(held.ticket, source, meter)
        try:
            answer = yield from ask(request)
        except NetworkError:
            body.take_back()
            if not (yield from paused(pauses)):
                raise
            continue
        if answer.status in ARRIVED or answer.status == 412:
            break
        body.take_back()
        last = refusal(answer, "retry")
        if is_expired(answer):
            held = yield from renew(rules, upload_id)
        elif not may_pass(answer):
            action = yield from advice(rules, upload_id, answer)
            if action == "confirm":
                break
            if action == "renew":
                held = yield from renew(rules, upload_id)
        if not (yield from paused(pauses, answer.retry_after)):
            raise last
    return (yield from confirm(rules, upload_id))


def confirm(rules: Rules, upload_id: str) -> Steps[Image]:
    """Record the image; while the object is missing, ask again, but not for ever.

    Raises:
        ObjectMissing, ObjectMismatch, UploadGone and other BrokerErrors; NetworkError.
    """
    return (yield from until_there(rules, f"/api/uploads/{upload_id}/confirm/"))


def until_there(rules: Rules, path: str) -> Steps[Image]:
    """Call what records the image, until the bucket shows its object."""
    pauses = rules.pauses()
    while True:
        try:
            body: Any = yield from rules.call("POST", path)
            return Image.read(body)
        except ObjectMissing as error:
            if not (yield from paused(pauses, error.retry_after)):
                raise


def _request(ticket: Ticket, source: Source, meter: Meter) -> tuple[Request, Body]:
    if ticket.method == "PUT":
        body = Body(source, 0, source.size, count=meter.count)
        return Request(method="PUT", url=ticket.url, headers=ticket.headers, body=body), body
    content_type, body = form_body(ticket.fields, source, meter.count)
    headers = {"Content-Type": content_type}
    return Request(method="POST", url=ticket.url, headers=headers, body=body), body
