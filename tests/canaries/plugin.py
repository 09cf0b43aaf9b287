"""Searches every log of every test for secrets, and fails a test that logs one.

It checks the records of all loggers with their extras, standard error of this process and of
commands, and at the end the log files of the broker's processes. It ignores the tests' own tools
and other servers: httpx may log a signed URL, and SeaweedFS logs requests.
"""

import logging
import re
import subprocess
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.canaries.checker import leaks, secrets_of

TOOLS = ("httpx", "httpcore", "werkzeug", "asyncio", "playwright", "faker")
OTHER_SERVERS = ("weed.log", "minio.log", "postgres.log")
NESTED = "runpytest-"  # the runs that this plugin's own tests start
# The access log of werkzeug's server, which only tests use.
ACCESS_LINE = re.compile(r"^[\d.]+ - - \[.*$", re.MULTILINE)
_STANDARD = frozenset(logging.makeLogRecord({}).__dict__)
_found: list[str] = []


class Canaries(logging.Handler):
    """Checks each record, both its fields and its formatted text."""

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.split(".")[0] in TOOLS:
            return
        carried = [str(v) for k, v in record.__dict__.items() if k not in _STANDARD]
        text = "\n".join([logging.Formatter().format(record), *carried])
        _found.extend(f"logger {record.name}: {kind}" for kind in leaks(text))


def pytest_configure(config: pytest.Config) -> None:
    """Check the output of all loggers and the standard error of all commands."""
    handler = Canaries()
    logging.getLogger().addHandler(handler)
    communicate = subprocess.Popen.communicate

    def listening(process: Any, *args: Any, **kwargs: Any) -> Any:
        out, err = communicate(process, *args, **kwargs)
        if err:
            text = err if isinstance(err, str) else err.decode(errors="replace")
            words = process.args if isinstance(process.args, list) else [process.args]
            command = " ".join(Path(str(word)).name for word in words[:3])
            _found.extend(f"standard error of {command}: {kind}" for kind in leaks(text))
        return out, err

    subprocess.Popen.communicate = listening  # type: ignore[method-assign]

    def undo() -> None:
        logging.getLogger().removeHandler(handler)
        subprocess.Popen.communicate = communicate  # type: ignore[method-assign]

    config.add_cleanup(undo)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail the phase of a test that logged a secret."""
    report = yield
    stderr = "".join(
        text for name, text in report.sections if name == f"Captured stderr {call.when}"
    )
    _found.extend(f"standard error: {kind}" for kind in leaks(ACCESS_LINE.sub("", stderr)))
    if _found:
        report.outcome = "failed"
        report.longrepr = f"A log has a secret, in {item.nodeid}:\n" + "\n".join(
            sorted(set(_found))
        )
        _found.clear()
    return report


@pytest.fixture(scope="session", autouse=True)
def no_log_file_has_a_canary(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Check the log files after all servers have stopped. This fixture is set up first."""
    yield
    base = tmp_path_factory.getbasetemp()
    secrets = [one for file in base.rglob("dev.env") for one in secrets_of(file.read_text())]
    found = [
        f"{file.relative_to(base)}: {kind}"
        for file in sorted(base.rglob("*.log"))
        if file.name not in OTHER_SERVERS and NESTED not in str(file.relative_to(base))
        for kind in leaks(file.read_text(errors="replace"), secrets)
    ]
    assert found == []
