"""`--pairs one`: of a test that runs on both databases or both S3 servers, run one variant.

`make test` uses it: all tests together use all servers, in less time. `--pairs others` runs the
variants that it leaves out; without the option all run. Contract tests always run on each server.
"""

import re
from collections import defaultdict
from zlib import crc32

import pytest

PARAMETERS = {"database_url", "s3_bucket", "any_bucket"}
SERVER = re.compile(r"\b(sqlite|postgresql|seaweedfs|minio)\b")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option."""
    parser.addoption("--pairs", choices=["all", "one", "others"], default="all", help=__doc__)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep one variant of each test, or the others."""
    wanted = config.getoption("--pairs")
    if wanted == "all":
        return
    left_out = others(items)
    unwanted = [item for item in items if (item in left_out) == (wanted == "one")]
    items[:] = [item for item in items if (item in left_out) != (wanted == "one")]
    config.hook.pytest_deselected(items=unwanted)


def others(items: list[pytest.Item]) -> set[pytest.Item]:
    """Return all variants of tests but one of each, the same in every process."""
    variants: dict[str, list[pytest.Item]] = defaultdict(list)
    for item in items:
        callspec = getattr(item, "callspec", None)
        if callspec is None or item.get_closest_marker("matrix"):
            continue
        if PARAMETERS & set(callspec.params) and not item.nodeid.startswith("tests/contract/"):
            path, _, parameters = item.nodeid.partition("[")
            variants[path + SERVER.sub("", parameters)].append(item)
    left_out: set[pytest.Item] = set()
    for name, found in variants.items():
        left_out.update(found)
        left_out.remove(found[crc32(name.encode()) % len(found)])
    return left_out
