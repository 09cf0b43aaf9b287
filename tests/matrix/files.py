"""Print, as JSON, the files with tests of each part of the matrix.

Collecting all tests takes 20 s of CPU in each pytest process. So they are collected once, and each
part gets the names of its files.
"""

import contextlib
import json
import sys

import pytest


class PartsOfTests:
    """A pytest plugin that keeps the files of each part."""

    def __init__(self) -> None:
        self.files: dict[str, list[str]] = {}

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Keep the file of each test that is marked for a part."""
        for item in items:
            for mark in item.iter_markers("matrix"):
                files = self.files.setdefault(mark.kwargs["part"], [])
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
