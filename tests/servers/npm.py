"""Installs npm packages from a lock file."""

import fcntl
import shutil
import subprocess
from pathlib import Path

from broker.local.process import ServerNotInstalled


def installed(package: Path) -> Path:
    """Install the packages of a lock file once; return node_modules.

    Another process that wants the same packages waits, because `npm ci` removes what is there.

    Raises:
        ServerNotInstalled: there is no npm.
    """
    npm = shutil.which("npm")
    if npm is None:
        raise ServerNotInstalled("npm is missing: apt-get install npm")
    lock, stamp = package / "package-lock.json", package / "node_modules/.installed"
    with lock.open() as locked:
        fcntl.flock(locked, fcntl.LOCK_EX)
        wanted = locked.read()
        if not stamp.exists() or stamp.read_text() != wanted:
            command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
            subprocess.run(command, cwd=package, check=True, capture_output=True, timeout=150)
            stamp.write_text(wanted)
    return package / "node_modules"
