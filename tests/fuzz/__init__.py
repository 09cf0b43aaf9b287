"""Generated requests, names, notifications and histories.

`make test` runs the same few examples every time. `make matrix ONLY=fuzz` runs new ones.
"""

import os
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# Multiplies the number of examples. If it is set, they are new in every run.
ARE_NEW = "FUZZ_TIMES" in os.environ
TIMES = int(os.environ.get("FUZZ_TIMES", "1"))
# PostgreSQL takes several times as long as SQLite.
POSTGRESQL_IN_MATRIX = pytest.mark.parametrize(
    "database_url",
    ["sqlite", pytest.param("postgresql", marks=pytest.mark.matrix(part="fuzz"))],
    indirect=True,
)


def repeatable(examples: int, **changes: Any) -> settings:
    """Return Hypothesis settings. Examples repeat unless FUZZ_TIMES is set; none are stored."""
    return settings(
        max_examples=examples * TIMES,
        derandomize=not ARE_NEW,
        deadline=None,
        database=None,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
        **changes,
    )
