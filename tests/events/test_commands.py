"""`broker deliver` and `broker events`, as an operator starts them."""

import json
import os
import signal
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from broker.cli import main
from broker.services.work import Broker
from broker.telemetry.context import context
from tests.events.conftest import NEW, OLD, deliveries, insert_deliveries, send_due
from tests.events.receivers import Receiver, status
from tests.http.commands import Ended
from tests.http.first import FIRST_DATABASE

FUTURE = timedelta(days=9)
Run = Callable[..., Ended]


@pytest.fixture
def run(
    database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """Return a function that runs a command with a database, and without any key."""

    def to_its_end(arguments: str, **settings: str) -> Ended:
        for name, value in {
            "DATABASE_URL": database_url,
            "S3_BUCKET": "media-bucket",
            **settings,
        }.items():
            monkeypatch.setenv(f"BROKER_{name}", value)
        monkeypatch.setattr(context, "via", context.via)
        monkeypatch.setattr(sys, "argv", ["broker", *arguments.split()])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        found = capsys.readouterr()
        return Ended(status=int(ended.value.code or 0), out=found.out, err=found.err)

    return to_its_end


@FIRST_DATABASE
def test_deliver_runs_without_any_other_key_until_it_is_asked_to_stop(
    run: Run, broker: Broker, accepting: Receiver, add_event: Callable[..., str]
) -> None:
    ids = [add_event() for _ in range(3)]

    def answer(*arguments: Any) -> None:
        status(204)(*arguments)
        if len(accepting.received) == len(ids):
            os.kill(os.getpid(), signal.SIGTERM)

    accepting.answer = answer
    ended = run("deliver --threads 2", WEBHOOK_URL=accepting.url, WEBHOOK_SECRET=f"{NEW},{OLD}")
    assert ended.status == 0, ended.err
    assert sorted(accepting.ids) == sorted(ids)
    assert deliveries(broker) == []


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({}, "BROKER_WEBHOOK_URL"),
        ({"WEBHOOK_SECRET": NEW}, "BROKER_WEBHOOK_URL"),
        ({"WEBHOOK_URL": "https://shop.example/canary"}, "BROKER_WEBHOOK_SECRET"),
        (
            {"WEBHOOK_URL": "https://shop.example/canary", "WEBHOOK_SECRET": ""},
            "BROKER_WEBHOOK_SEC",
        ),
        (
            {"WEBHOOK_URL": "https://shop.example/", "WEBHOOK_SECRET": "whsec_canary"},
            "BROKER_WEBHOOK_SECRET",
        ),
        (
            {"WEBHOOK_URL": "http://shop.example/canary", "WEBHOOK_SECRET": NEW},
            "BROKER_WEBHOOK_URL",
        ),
        ({"WEBHOOK_URL": "https://canary@shop.example/"}, "BROKER_WEBHOOK_URL"),
        ({"WEBHOOK_URL": "https://shop.example/#canary"}, "BROKER_WEBHOOK_URL"),
        ({"WEBHOOK_URL": "https://shop.example/a b-canary"}, "BROKER_WEBHOOK_URL"),
        ({"WEBHOOK_URL": "https://shop.example:99999/canary"}, "BROKER_WEBHOOK_URL"),
        ({"WEBHOOK_URL": "ftp://shop.example/canary"}, "BROKER_WEBHOOK_URL"),
        ({"WEBHOOK_URL": "https://shop.example/\r\nX-Canary: canary"}, "BROKER_WEBHOOK_URL"),
    ],
)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_deliver_does_not_start_with_a_wrong_setting_and_names_it(
    run: Run, settings: dict[str, str], name: str
) -> None:
    ended = run("deliver", **settings)
    assert ended.status == 1
    assert name in ended.err
    assert "canary" not in ended.err
    assert NEW[6:] not in ended.err


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_other_processes_need_no_secret_for_the_url(run: Run) -> None:
    assert run("db check", WEBHOOK_URL="https://shop.example/").status == 0


@FIRST_DATABASE
def test_tail_prints_the_last_events_and_the_next_cursor(
    run: Run, add_event: Callable[..., str]
) -> None:
    ids = [add_event() for _ in range(12)]
    ended = run("events tail")
    assert [json.loads(line)["id"] for line in ended.out.splitlines()] == ids[2:]
    cursor = ended.err.split()[-1]
    assert run(f"events tail --after {cursor}").out == ""
    later = add_event()
    (line,) = run(f"events tail --after {cursor}").out.splitlines()
    event = json.loads(line)
    assert (event["id"], event["sequence"]) == (later, 13)
    wrong = run("events tail --after canary.1")
    assert wrong.status == 1


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_tail_of_no_events_prints_only_a_cursor(run: Run) -> None:
    ended = run("events tail")
    assert (ended.status, ended.out) == (0, "")
    assert ended.err.strip().endswith(".0")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_tail_follows_until_it_is_asked_to_stop(
    run: Run, add_event: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = add_event()
    added: list[str] = []

    def wait(stop: Any, timeout: float | None = None) -> bool:
        if timeout and len(added) < 2:
            added.append(add_event())
            return False
        return bool(timeout)

    monkeypatch.setattr("broker.cli.stopping.StopSignal.wait", wait)
    lines = run("events tail --follow").out.splitlines()
    assert [json.loads(line)["id"] for line in lines] == [first, *added]


def send_until_dead(broker: Broker, to: Receiver) -> None:
    """Send everything that is due, with the clock so far ahead that no attempt waits."""
    now = datetime.now(UTC) + FUTURE
    while send_due(broker, to, now):
        now += FUTURE


@FIRST_DATABASE
def test_replay_sends_delivered_and_dead_events_again(
    run: Run, broker: Broker, accepting: Receiver, add_event: Callable[..., str]
) -> None:
    old = add_event(created_at=datetime(2026, 1, 1, tzinfo=UTC))
    delivered = add_event()
    assert send_due(broker, accepting) == 2
    dead = add_event()
    accepting.answer = status(500)
    send_until_dead(broker, accepting)
    accepting.answer = status(204)
    since = datetime.now(UTC) - timedelta(hours=1)
    ended = run(f"events replay --since {since:%Y-%m-%dT%H:%M:%SZ}")
    assert ended.out == "2 events will be sent again\n"
    accepting.received.clear()
    assert send_due(broker, accepting) == 2
    assert sorted(accepting.ids) == sorted([delivered, dead])
    assert run(f"events replay {old}").out == "1 events will be sent again\n"
    assert send_due(broker, accepting) == 1
    assert accepting.ids[-1] == old
    assert run("events replay --since 2026-01-01").out == "3 events will be sent again\n"


@FIRST_DATABASE
def test_replay_dead_begins_the_schedule_again(
    run: Run, broker: Broker, accepting: Receiver, add_event: Callable[..., str]
) -> None:
    add_event()
    accepting.answer = status(500)
    send_until_dead(broker, accepting)
    assert [row.dead_at is None for row in deliveries(broker)] == [False]
    assert run("events replay --dead").out == "1 events will be sent again\n"
    (row,) = deliveries(broker)
    assert (row.attempts, row.dead_at, row.last_error) == (0, None, None)
    assert run("events replay --dead").out == "0 events will be sent again\n"


@FIRST_DATABASE
def test_replay_leaves_events_alone_that_no_deliverer_has_seen(
    run: Run, broker: Broker, accepting: Receiver, add_event: Callable[..., str]
) -> None:
    event_id = add_event()
    assert run("events replay --since 2026-01-01").out == "0 events will be sent again\n"
    assert send_due(broker, accepting) == 1
    assert accepting.ids == [event_id]


@FIRST_DATABASE
def test_discard_drops_dead_letters_or_named_events_and_no_other(
    run: Run, broker: Broker, accepting: Receiver, add_event: Callable[..., str]
) -> None:
    add_event()
    accepting.answer = status(500)
    send_until_dead(broker, accepting)
    dropped, kept = add_event(), add_event()
    insert_deliveries(broker)
    assert run("events discard --dead").out == "1 deliveries were discarded\n"
    assert run(f"events discard {dropped}").out == "1 deliveries were discarded\n"
    accepting.answer = status(204)
    accepting.received.clear()
    assert send_due(broker, accepting) == 1
    assert accepting.ids == [kept]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_an_unknown_id_is_named_and_the_others_are_changed(
    run: Run, broker: Broker, accepting: Receiver, add_event: Callable[..., str]
) -> None:
    event_id, unknown = add_event(), uuid4()
    send_due(broker, accepting)
    ended = run(f"events replay {event_id} {unknown}")
    assert (ended.status, ended.out) == (1, "1 events will be sent again\n")
    assert ended.err.endswith(f"no event {unknown} is kept\n")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "arguments",
    [
        *("replay", "discard", "replay --dead --since 2026-01-01"),
        *(f"replay --since {time}" for time in ("0001-01-01T00:00:00+2300", "yesterday")),
    ],
)
def test_replay_and_discard_never_guess_what_is_meant(run: Run, arguments: str) -> None:
    assert run(f"events {arguments}").status == 2


@FIRST_DATABASE
def test_resume_ends_the_stop_after_a_410(
    run: Run, broker: Broker, accepting: Receiver, add_event: Callable[..., str]
) -> None:
    add_event()
    accepting.answer = status(410)
    send_due(broker, accepting)
    accepting.answer = status(204)
    assert send_due(broker, accepting) == 0
    assert "until broker events resume" in run("events replay --since 2026-01-01").err
    assert run("events resume").out == "resumed\n"
    assert "resume" not in run("events replay --since 2026-01-01").err
    assert run("events resume").out == "nothing was stopped\n"
    assert send_due(broker, accepting) == 1
