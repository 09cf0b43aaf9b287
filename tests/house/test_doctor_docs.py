"""The doctor's page describes every check, and its examples use existing checks."""

import re
from pathlib import Path

from broker.doctor import put
from broker.doctor.checks import CHECKS
from broker.doctor.settings import CHECK

PAGE = (Path(__file__).parent.parent.parent / "docs/doctor.md").read_text()
NAMES = {CHECK, put.ETAG, *(check.name for check in CHECKS)}


def test_the_table_has_exactly_the_existing_checks() -> None:
    assert set(re.findall(r"^\| `([a-z-]+)` \|", PAGE, re.MULTILINE)) == NAMES


def test_every_line_of_the_examples_names_an_existing_check() -> None:
    named = re.findall(r"^(?:ok|warn|fail|skip)  +([a-z-]+)  ", PAGE, re.MULTILINE)
    assert len(named) > len(CHECKS)
    assert set(named) <= NAMES


def test_every_check_runs_after_the_checks_that_it_needs() -> None:
    made: set[str] = set()
    for check in CHECKS:
        assert set(check.needs) <= made, check.name
        made.add(check.name)
