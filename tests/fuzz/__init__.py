"""Strangers by the thousand: generated requests, names, notifications and histories.

The same in every run, so that `make test` is the same twice; `make fuzz` makes new ones, and more.
"""

import os
from typing import Any

from hypothesis import HealthCheck, settings

# How many times the examples of `make test`.
TIMES = int(os.environ.get("FUZZ_TIMES", "1"))


def repeatable(examples: int, **changes: Any) -> settings:
    """Give hypothesis' settings: derandomized but in `make fuzz`, no database of examples."""
    return settings(
        max_examples=examples * TIMES,
        derandomize=TIMES == 1,
        deadline=None,
        database=None,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
        **changes,
    )
