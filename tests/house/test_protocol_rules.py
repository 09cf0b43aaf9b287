"""Report 31: the page about the protocol has the rules of the shared retry cases."""

import json
import re
from pathlib import Path
from typing import Any

from tests.house.protocol_page import PROSE

CASES = json.loads((Path(__file__).parents[1] / "retry_cases.json").read_text())["cases"]
GOES_ON = {"retry", "next_round", "send_again"}


def answers(fate: str) -> list[tuple[int, str]]:
    """Return status and code of the broker's answers after which the upload has this fate."""
    table = re.search(
        r"^\| answer of the broker \|.*\n\| --- .*\n((?:\|.*\n)+)", PROSE, re.MULTILINE
    )
    assert table is not None
    (row,) = [row for row in table[1].splitlines() if row.split("|")[2].strip().startswith(fate)]
    return [(int(status), name) for status, name in re.findall(r"`(\d{3}) (\w+)`", row)]


def decisions(name: str, *phases: str) -> set[str]:
    """Return what the clients do after a code of the broker."""
    rows: list[dict[str, Any]] = [case for case in CASES if case["from"] == "broker"]
    return {
        {**row, **row.get(client, {})}["action"]
        for row in rows
        for client in ("js", "python")
        if row.get("code") == name and row["phase"] in phases and "tries" not in row
    }


def test_report_31_each_answer_that_ends_an_upload_is_final_for_both_clients() -> None:
    ended = answers("has ended")
    assert len(ended) >= 7
    for status, name in ended:
        taken = decisions(name, "request", "batch", "parts")
        assert "give_up" in taken, f"{status} {name}"
        assert not taken & GOES_ON, f"{status} {name}"


def test_report_31_an_upload_continues_after_exactly_the_answers_that_both_clients_retry() -> None:
    retried = {
        (row["status"], row["code"])
        for row in CASES
        if row["from"] == "broker"
        and row["phase"] in ("request", "confirm", "parts", "complete")
        and 400 <= row["status"] < 500
        and row["action"] in GOES_ON
    }
    assert set(answers("continues: try again after `Retry-After`")) == retried


def test_report_31_an_upload_starts_again_after_answers_after_which_clients_restart() -> None:
    for _, name in answers("starts again"):
        assert "restart" in decisions(name, "end"), name
