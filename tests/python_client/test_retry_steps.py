"""tests/retry_cases.json: `send_whole` and `Api.call` take the steps that the rules decide."""

import io
import json
import math
from typing import Any

import pytest
from broker_client import BrokerError, NetworkError
from broker_client.api import Api
from broker_client.files import Meter
from broker_client.models import Ticket
from broker_client.source import Source
from broker_client.steps import Answer, Request, Steps, Token, Wait
from broker_client.tickets import IssuedTicket
from broker_client.whole import send_whole

from tests.python_client.test_retry_cases import CASES, POLICY, python_row

API = Api(base_url="http://broker.example", policy=POLICY, clock=lambda: 0.0)
TICKET = Ticket(
    id="u1",
    key="k",
    method="PUT",
    url="http://s3.example/k",
    fields={},
    headers={},
    lifetime=300.0,
)


def first_tries(phase: str) -> list[Any]:
    rows = [python_row(case) for case in CASES if case["phase"] == phase]
    return [pytest.param(row, id=row["name"]) for row in rows if row["tries"] == 1]


def answer_of(row: dict[str, Any], body: str) -> Answer:
    after = row.get("retry_after")
    headers = {} if after is None else {"retry-after": str(after)}
    if row["from"] == "s3" and 200 <= row["status"] < 300:
        headers["etag"] = '"1"'
    return Answer(status=row["status"], headers=headers, body=body.encode())


def s3_body(row: dict[str, Any]) -> str:
    """Return the body of an answer to a request to the bucket."""
    if row["from"] == "proxy":
        return "<html>"
    if 200 <= row["status"] < 300:
        return ""
    error = f"<Code>{row['code']}</Code><Message>{row.get('message', '')}</Message>"
    return f"<Error>{error}<RequestId>4442587FB7D0A2F9</RequestId></Error>"


def reply(steps: Steps[Any], answer: Answer) -> Any:
    """Answer the current request, and every request for a token. Return the next action."""
    lost = answer.status == 0
    action = steps.throw(NetworkError("no answer")) if lost else steps.send(answer)
    while isinstance(action, Token) and action.stale is None:
        action = steps.send("token")
    return action


@pytest.mark.parametrize("row", first_tries("send"))
def test_after_s3s_answer_a_file_is_retried_renewed_reported_or_confirmed(
    row: dict[str, Any],
) -> None:
    source = Source(io.BytesIO(b"photo"), "photo.jpg", close=False)
    issued = IssuedTicket(ticket=TICKET, until=math.inf)
    steps = send_whole(API, issued, source, Meter(0, source.size, None))
    sent = next(steps)
    assert isinstance(sent, Request)
    assert sent.url == TICKET.url
    action = reply(steps, answer_of(row, s3_body(row)))
    if row["action"] == "retry":
        assert action == Wait(seconds=row["after_seconds"])
    else:
        path = {"confirm": "confirm", "renew": "renew", "report": "failures"}[row["action"]]
        assert action.url == f"http://broker.example/api/uploads/u1/{path}/"


@pytest.mark.parametrize("row", first_tries("request"))
def test_a_request_to_the_broker_is_retried_signed_in_or_given_up(row: dict[str, Any]) -> None:
    steps = API.call("GET", "/api/profiles/")
    assert next(steps) == Token()
    assert isinstance(steps.send("token"), Request)
    body = "<html>" if row["from"] == "proxy" else json.dumps({"code": row["code"]})
    answer = answer_of(row, body)
    if row["action"] == "give_up":
        with pytest.raises(BrokerError) as refused:
            reply(steps, answer)
        assert refused.value.code == row["code"]
    elif row["action"] == "sign_in":
        assert reply(steps, answer) == Token(stale="token")
    else:
        action = reply(steps, answer)
        assert isinstance(action, Wait)
        assert action.seconds == row.get("after_seconds", action.seconds)
