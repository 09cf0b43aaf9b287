"""Print, as JSON, the files with tests of each part of the matrix.

Collecting all tests takes 20 s of CPU in each pytest process. So they are collected once, and each
part gets the names of its files.
"""

import contextlib
import json
import sys

import pytest

# `make python3.13` runs the pairs of these folders.
PAIRS_ELSEWHERE = ("tests/http/", "tests/contract/", "tests/unit/")


class PartsOfTests:
    """A pytest plugin that keeps the files of each part."""

    def __init__(self) -> None:
        self.files: dict[str, list[str]] = {}

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Keep the file of each test that is marked for a part, and of each of the pairs."""
        from tests.chosen import chosen  # after pytest, which rewrites its assertions

        other_variants = chosen(items, ["other-variants"])
        for item in items:
            marks = list(item.iter_markers("matrix"))
            for mark in marks:
                self._keep(mark.kwargs["part"], item)
            if not marks and item in other_variants and not item.nodeid.startswith(PAIRS_ELSEWHERE):
                self._keep("pairs", item)

    def _keep(self, part: str, item: pytest.Item) -> None:
        files = self.files.setdefault(part, [])
        name = item.nodeid.partition("::")[0]
        if name not in files:
            files.append(name)


def main() -> int:
    """Collect the tests, print the files of each part, and return pytest's exit code."""
    found = PartsOfTests()
    with contextlib.redirect_stdout(sys.stderr):
        code = pytest.main(["--collect-only", "-qq", "-n", "0"], [found])
    sys.stdout.write(json.dumps(found.files))
    return int(code)


if __name__ == "__main__":
    sys.exit(main())
