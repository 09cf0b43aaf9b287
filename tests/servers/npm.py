"""Installs npm packages from a lock file."""

import shutil
import subprocess
from pathlib import Path

from broker.local.process import ServerNotInstalled


def installed(package: Path) -> Path:
    """Install the packages of a lock file once; return node_modules.

    Raises:
        ServerNotInstalled: there is no npm.
    """
    npm = shutil.which("npm")
    if npm is None:
        raise ServerNotInstalled("npm is missing: apt-get install npm")
    lock, stamp = package / "package-lock.json", package / "node_modules/.installed"
    if not stamp.exists() or stamp.read_text() != lock.read_text():
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        subprocess.run(command, cwd=package, check=True, capture_output=True, timeout=150)
        stamp.write_text(lock.read_text())
    return package / "node_modules"
