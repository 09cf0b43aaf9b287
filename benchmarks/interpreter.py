"""The Python interpreter: its name, and whether it was built with PGO.

PGO is profile-guided optimisation. Without it the broker needs 15 to 30 % more CPU than on the
interpreters that users have: Debian's, Ubuntu's, Docker's and uv's all have it.
"""

import os
import platform
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

PGO = "--enable-optimizations"


def describe() -> str:
    """Return the interpreter's name, version, compiler, and how it was built."""
    name = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{name}, {platform.python_compiler()}, {_build()}"


def has_pgo() -> bool:
    """Check whether the interpreter was built with PGO."""
    return _is_configured() or debian_package() is not None


def debian_package(executable: str = sys.executable) -> str | None:
    """Return the Debian or Ubuntu package that an interpreter belongs to, or None.

    These packages are built with `make profile-opt`, which `sysconfig` does not show.
    """
    program = shutil.which("dpkg-query")
    if program is None:
        return None
    path = str(Path(os.path.realpath(executable)))
    found = subprocess.run(
        [program, "--search", path], capture_output=True, text=True, timeout=20, check=False
    )
    return found.stdout.split(":")[0] if found.returncode == 0 else None


def _is_configured() -> bool:
    return PGO in str(sysconfig.get_config_var("CONFIG_ARGS"))


def _build() -> str:
    if _is_configured():
        return f"built with PGO ({PGO})"
    package = debian_package()
    return f"built with PGO (Debian's {package})" if package else "built without PGO"
