"""The page has a text for each problem, each error of the client and each rejection."""

import re
from pathlib import Path

from broker.api.problems.table import PROBLEMS
from broker.domain.rejections import RejectionReason
from tests.page.conftest import OpenMarket


def test_every_code_has_a_message(open_market: OpenMarket) -> None:
    page = open_market().enter()
    codes = page.evaluate("import('/web/messages.js').then((module) => module.CODES)")
    clients_own = (
        Path("docs/browser.md").read_text().split("The client's own codes:")[1].split("\n\n")[1]
    )
    own = [line.split("`")[1] for line in clients_own.splitlines() if line.startswith("| `")]
    assert sorted(codes) == sorted([*PROBLEMS, *own])
    messages = page.evaluate(
        """async (codes) => {
            const { messageOf } = await import("/web/messages.js")
            return codes.map((code) => messageOf({ code, detail: "as the API says" }))
        }""",
        [*codes, "one_of_a_later_broker"],
    )
    for code, message in zip(codes, messages, strict=False):
        assert re.match(r"[A-Z].{4,}[^.]$", message["what"]), code
        assert re.match(r"[A-Z].{4,}\.$", message["why"]), code
        assert not {message["what"], message["why"]} & {"Something went wrong", "as the API says"}
    assert messages[-1] == {"what": "Something went wrong", "why": "as the API says", "again": True}


def test_every_reason_of_a_rejection_has_a_message(open_market: OpenMarket) -> None:
    page = open_market().enter()
    messages = page.evaluate(
        """async (reasons) => {
            const { messageOf } = await import("/web/messages.js")
            return reasons.map((reason) => messageOf({ code: "upload_rejected", reason }))
        }""",
        [*RejectionReason, "one_of_a_later_broker"],
    )
    assert all(re.match(r"[A-Z].{4,}[^.]$", message["what"]) for message in messages)
    assert all(re.match(r"[A-Z].{4,}\.$", message["why"]) for message in messages)
    assert len({(message["what"], message["why"]) for message in messages}) == len(messages)
    assert messages[-1]["what"] == "This photo can't be used"
