"""`--choose`: run a part of the collected tests, so that several runs together run all of them.

- `one-variant`: one variant of each test that runs on both databases or both S3 servers, and all
  other tests. Contract tests, which say what a server must do, run on each server.
- `other-variants`: the variants that `one-variant` leaves out.
- `each-function`: what another Python may break. Of each function in `tests/http` and
  `tests/contract` one case, because the same lines process all its cases; all other tests.

The option can be repeated. Then `each-function` adds only what the other choice lacks.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Collection
from zlib import crc32

import pytest

PARAMETERS = {"database_url", "s3_bucket", "any_bucket"}
SERVER = re.compile(r"\b(sqlite|postgresql|seaweedfs|minio)\b")
HTTP, CONTRACT = "tests/http/", "tests/contract/"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option."""
    choices = ["one-variant", "other-variants", "each-function"]
    parser.addoption("--choose", action="append", choices=choices, default=[], help=__doc__)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the tests that are chosen."""
    asked = config.getoption("--choose")
    if not asked:
        return
    kept = chosen(items, asked)
    unwanted = [item for item in items if item not in kept]
    items[:] = [item for item in items if item in kept]
    config.hook.pytest_deselected(items=unwanted)


def chosen(items: list[pytest.Item], asked: Collection[str]) -> set[pytest.Item]:
    """Return the tests that are chosen, the same in every process.

    Tests of the matrix are all among them: `-m` chooses those.
    """
    slow = {item for item in items if item.get_closest_marker("matrix")}
    quick = [item for item in items if item not in slow]
    one_variant = _one_of_each(quick, _variants_of)
    found: set[pytest.Item] = set()
    if "one-variant" in asked:
        found |= one_variant
    if "other-variants" in asked:
        found |= set(quick) - one_variant
    if "each-function" in asked:
        found |= _one_of_each(quick, _alike_on_a_python, before=found)
    return found | slow


def _one_of_each(
    items: list[pytest.Item],
    kind: Callable[[pytest.Item], str],
    before: Collection[pytest.Item] = frozenset(),
) -> set[pytest.Item]:
    """Return one test of each kind, except kinds with a test that was chosen before."""
    kinds: dict[str, list[pytest.Item]] = defaultdict(list)
    for item in items:
        kinds[kind(item)].append(item)
    return {
        tests[crc32(name.encode()) % len(tests)]
        for name, tests in kinds.items()
        if not any(test in before for test in tests)
    }


def _variants_of(item: pytest.Item) -> str:
    """Return a name that the variants of a test have in common."""
    callspec = getattr(item, "callspec", None)
    if callspec is None or item.nodeid.startswith(CONTRACT):
        return item.nodeid
    return _on_any_server(item) if PARAMETERS & set(callspec.params) else item.nodeid


def _alike_on_a_python(item: pytest.Item) -> str:
    """Return a name that tests have in common if only one of them must run on another Python."""
    of_servers = item.nodeid.startswith((HTTP, CONTRACT))
    return item.nodeid.partition("[")[0] if of_servers else item.nodeid


def _on_any_server(item: pytest.Item) -> str:
    function, _, parameters = item.nodeid.partition("[")
    return function + SERVER.sub("", parameters)
