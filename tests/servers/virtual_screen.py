"""Xvfb: a screen in memory, for browsers that cannot run without one."""

import contextlib
import os
import select
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from broker.local.process import ChildProcess, ServerNotInstalled
from tests.servers import START_TIMEOUT

# Larger than any window of the tests. Windows have no frame, because no window manager runs.
SIZE = "1600x1200x24"


def xvfb_binary() -> str:
    """Return the path of Xvfb; raise ServerNotInstalled."""
    if found := shutil.which("Xvfb"):
        return found
    raise ServerNotInstalled("Xvfb is missing: apt-get install xvfb")


@contextlib.contextmanager
def virtual_screen() -> Iterator[str]:
    """Run an X server on the first free display; yield its name, such as `:1`."""
    binary = xvfb_binary()
    with tempfile.TemporaryDirectory(prefix="xvfb-") as name, contextlib.ExitStack() as stack:
        reading, writing = os.pipe()
        number = stack.enter_context(os.fdopen(reading))
        stack.callback(os.close, writing)
        child = ChildProcess(
            # -noreset: otherwise it starts from anew after its last window was closed.
            [binary, "-displayfd", str(writing), "-screen", "0", SIZE, "-noreset"],
            log_file=Path(name) / "xvfb.log",
            cwd=Path(name),
            env={"PATH": os.environ["PATH"]},
            pass_fds=[writing],
        )
        stack.callback(child.stop)
        # Xvfb writes the number of the display when it accepts connections.
        child.start(lambda: bool(select.select([number], [], [], 0)[0]), START_TIMEOUT)
        yield f":{number.readline().strip()}"
