"""Send a whole file with one POST form or one PUT, and confirm it."""

from collections.abc import Callable

from broker_client.api import Api
from broker_client.bodies import Body, form_body
from broker_client.errors import BrokerError, ClientError, NetworkError
from broker_client.files import Meter
from broker_client.models import Image, Ticket, Upload
from broker_client.retry_policy import Decision, Failure, Phase, wait_before_retry
from broker_client.s3_errors import error_of, report_failure, s3_failure
from broker_client.source import Source
from broker_client.steps import Request, Steps, ask
from broker_client.tickets import IssuedTicket, renew


def send_whole(
    api: Api, issued: IssuedTicket, source: Source, meter: Meter
) -> Steps[Image | Upload]:
    """Send the file until it has arrived, then confirm. If the bucket lost it, send it once more.

    Raises:
        S3Refused, NetworkError: no retry was left, or S3's refusal is final.
        BrokerError: for example UploadGone if the form can no longer be renewed.
    """
    body = yield from _deliver(api, issued, source, meter)

    def send_again() -> Steps[None]:
        body.take_back()
        yield from _deliver(api, issued, source, meter)

    path = f"/api/uploads/{issued.ticket.id}/confirm/"
    return (yield from until_recorded(api, "confirm", path, send_again))


def _deliver(api: Api, issued: IssuedTicket, source: Source, meter: Meter) -> Steps[Body]:
    """Send the file until it has arrived. Return the body that arrived.

    Each failed try uses up one retry, for whatever reason it failed.
    """
    upload_id, pauses = issued.ticket.id, api.policy.pauses()
    while True:
        if api.clock() >= issued.until:
            issued = yield from renew(api, upload_id)
        request, body = _request(issued.ticket, source, meter)
        last: ClientError
        retry_after = None
        try:
            answer = yield from ask(request)
        except NetworkError as error:
            last, decision = error, api.policy.decide("send", Failure.of(error))
        else:
            decision = api.policy.decide("send", s3_failure(answer))
            if decision is Decision.CONFIRM:
                return body
            last, retry_after = error_of(answer), answer.retry_after
        body.take_back()
        if decision is Decision.REPORT:
            decision = yield from report_failure(api, upload_id, answer)
        if decision is Decision.CONFIRM:
            return body
        if decision is Decision.RENEW:
            issued = yield from renew(api, upload_id)
        if not (yield from wait_before_retry(pauses, retry_after)):
            raise last


def confirm(api: Api, upload_id: str) -> Steps[Image | Upload]:
    """Return the image, or the upload if the broker is processing it.

    If the object is missing, ask again a limited number of times.

    Raises:
        ObjectMissing, ObjectMismatch, UploadRejected, UploadGone and other BrokerErrors;
        NetworkError.
    """
    return (yield from until_recorded(api, "confirm", f"/api/uploads/{upload_id}/confirm/"))


def until_recorded(
    api: Api, phase: Phase, path: str, send_again: Callable[[], Steps[None]] | None = None
) -> Steps[Image | Upload]:
    """Call `confirm` or `complete` until the bucket shows the object. Return as `confirm` does."""
    pauses, tries = api.policy.pauses(), 0
    while True:
        tries += 1
        try:
            return (yield from ask_for_image(api, path))
        except BrokerError as error:
            decision = api.policy.decide(phase, Failure.of(error, tries=tries))
            if decision is Decision.SEND_AGAIN and send_again is not None:
                yield from send_again()
                continue
            if decision not in (Decision.RETRY, Decision.SEND_AGAIN):
                raise
            if not (yield from wait_before_retry(pauses, error.retry_after)):
                raise


def ask_for_image(api: Api, path: str) -> Steps[Image | Upload]:
    """Call `confirm` or `complete` once. Return the upload if the broker is processing it."""
    answer = yield from api.answer("POST", path)
    if answer.status == 202:
        return Upload.read(answer.json(), answer.retry_after)
    return Image.read(answer.json())


def _request(ticket: Ticket, source: Source, meter: Meter) -> tuple[Request, Body]:
    if ticket.method == "PUT":
        body = Body(source, 0, source.size, count=meter.count)
        return Request(method="PUT", url=ticket.url, headers=ticket.headers, body=body), body
    content_type, body = form_body(ticket.fields, source, meter.count)
    headers = {"Content-Type": content_type}
    return Request(method="POST", url=ticket.url, headers=headers, body=body), body
