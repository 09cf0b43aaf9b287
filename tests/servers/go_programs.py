"""Where `go install` puts the programs of servers that Debian does not have."""

import os
import shutil
import subprocess
from pathlib import Path

from broker.local.process import ServerNotInstalled


def go_program(name: str, title: str, package: str) -> str:
    """Return the path of a program from NAME_BINARY, PATH, or the folder of `go install`."""
    variable = f"{name.upper()}_BINARY"
    if named := os.environ.get(variable):
        if shutil.which(named) is None:
            raise ServerNotInstalled(f"{variable} names no program: {named}")
        return named
    for directory in (None, Path.home() / "go" / "bin", _go_bin()):
        if found := shutil.which(name, path=directory and str(directory)):
            return found
    raise ServerNotInstalled(f"{title} is missing: `go install {package}`, or set {variable}")


def _go_bin() -> Path | None:
    go = shutil.which("go")
    if go is None:
        return None
    answer = subprocess.run([go, "env", "GOPATH"], capture_output=True, text=True, check=False)
    return Path(answer.stdout.strip(), "bin") if answer.stdout.strip() else None
