"""The doctor's page names every check, and its examples are of checks that there are."""

import re
from pathlib import Path

from broker.doctor import put
from broker.doctor.run import CHECKS
from broker.doctor.settings import CHECK

PAGE = (Path(__file__).parent.parent.parent / "docs/doctor.md").read_text()
NAMES = {CHECK, put.ETAG, *(check.name for check in CHECKS)}


def test_every_check_is_in_the_table_and_no_other() -> None:
    assert set(re.findall(r"^\| `([a-z-]+)` \|", PAGE, re.MULTILINE)) == NAMES


def test_every_line_of_the_examples_is_one_of_a_check() -> None:
    named = re.findall(r"^(?:ok|warn|fail|skip)  +([a-z-]+)  ", PAGE, re.MULTILINE)
    assert len(named) > len(CHECKS)
    assert set(named) <= NAMES


def test_every_check_is_made_after_those_that_it_needs() -> None:
    made: set[str] = set()
    for check in CHECKS:
        assert set(check.needs) <= made, check.name
        made.add(check.name)
