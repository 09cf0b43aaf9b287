"""What is sent is verified by the libraries of Standard Webhooks, as receivers use them."""

import json
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from broker.domain.webhooks import read_keys
from broker.services.events import deliver
from broker.services.work import Broker
from tests.events.conftest import NEW, OLD, insert_deliveries, webhook
from tests.events.receivers import Received, Receiver
from tests.servers import installed_or_skip
from tests.servers.npm import installed

NODE = Path(__file__).parent / "node"
THIRD = "whsec_plJ3nmyCDGBKInavdOK15jsl7Uep2pJm"
DATA_WITH_OTHER_LETTERS = {
    "profile": "product_image",
    "owner": "größe",
    "reason": None,
    "image": None,
    "removed_keys": [],
}


@pytest.fixture
def send(broker: Broker, accepting: Receiver, add_event: Callable[..., str]) -> Callable[..., Any]:
    """Return a function that sends one event, signed with these secrets."""

    def sent(*secrets: str, now: datetime | None = None, **changes: Any) -> Received:
        add_event(**changes)
        insert_deliveries(broker)
        delivery = deliver.begin(broker)
        assert delivery is not None
        target = webhook(accepting, ",".join(secrets))
        deliver.settle(broker, deliver.send(broker, target, delivery, now=now))
        return accepting.received[-1]

    return sent


def in_python(secret: str, request: Received) -> Any:
    return Webhook(secret).verify(request.body, dict(request.headers.items()))


def in_node(secret: str, request: Received) -> Any:
    with installed_or_skip():
        installed(NODE)
    headers = {name.lower(): value for name, value in request.headers.items()}
    given = {"secret": secret, "body": request.body.decode(), "headers": headers}
    done = subprocess.run(
        ["node", "verify.mjs"],
        cwd=NODE,
        input=json.dumps(given),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if done.returncode:
        assert "WebhookVerificationError" in done.stderr, done.stderr
        raise WebhookVerificationError("node")
    return json.loads(done.stdout)


# Signatures do not depend on the database.
SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
EACH = pytest.mark.parametrize("verify", [in_python, in_node])


@SQLITE
@EACH
def test_the_library_verifies_what_is_sent(
    send: Callable[..., Any], verify: Callable[..., Any]
) -> None:
    request = send(NEW, type="upload.expired", data=json.dumps(DATA_WITH_OTHER_LETTERS))
    event = verify(NEW, request)
    assert event["id"] == request.event_id
    assert (event["type"], event["sequence"]) == ("upload.expired", 1)
    assert event["timestamp"].endswith("Z")
    assert event["data"]["owner"] == "größe"
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["User-Agent"].startswith("upload-broker/")


@SQLITE
@EACH
def test_while_one_secret_is_replaced_receivers_verify_with_either(
    send: Callable[..., Any], verify: Callable[..., Any]
) -> None:
    request = send(NEW, OLD)
    assert verify(NEW, request) == verify(OLD, request)
    with pytest.raises(WebhookVerificationError):
        verify(THIRD, request)


@SQLITE
def test_only_the_secrets_that_are_set_sign(send: Callable[..., Any]) -> None:
    request = send(OLD)
    in_python(OLD, request)
    with pytest.raises(WebhookVerificationError):
        in_python(NEW, request)


@SQLITE
def test_a_changed_body_and_an_old_attempt_are_not_verified(send: Callable[..., Any]) -> None:
    request = send(NEW)
    changed = Received(request.line, request.headers, request.body.replace(b'"7"', b'"8"'))
    assert changed.body != request.body
    with pytest.raises(WebhookVerificationError):
        in_python(NEW, changed)
    with pytest.raises(WebhookVerificationError, match="old"):
        in_python(NEW, send(NEW, now=datetime.now(UTC) - timedelta(minutes=6)))


@pytest.mark.parametrize(
    "text",
    [
        "canary",
        "whsec_",
        "whsec_canary",
        "whsec_" + "A" * 28,  # 21 bytes
        "whsec_" + "A" * 88,  # 66 bytes
        f"{NEW},",
        f"{NEW},{NEW}",
        f"{NEW},{OLD},{THIRD}",
        NEW.removeprefix("whsec_"),
        NEW.replace("M", "-", 1),
    ],
)
def test_a_broken_secret_is_refused_and_not_shown(text: str) -> None:
    with pytest.raises(ValueError, match="must be") as refused:
        read_keys(text)
    assert NEW[6:] not in str(refused.value)
    assert "canary" not in str(refused.value)


def test_two_secrets_may_have_a_space_after_the_comma() -> None:
    assert len(read_keys(f"{NEW}, {OLD}")) == 2
