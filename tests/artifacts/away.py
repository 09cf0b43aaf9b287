"""Runs programs that cannot see the checkout, because an empty folder is mounted over it."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from broker.local.process import ServerNotInstalled

ROOT = Path(__file__).parents[2]
# $0 is the checkout. Only the program that follows has this mount.
HIDE = 'mount -t tmpfs -o ro none "$0" && exec "$@"'


@dataclass(frozen=True)
class Away:
    """An empty folder, and an environment that names nothing of the checkout."""

    folder: Path

    @property
    def env(self) -> dict[str, str]:
        """What a new user's shell has."""
        path = ":".join(one for one in os.defpath.split(":") if one)
        # npm and node may be installed elsewhere.
        node = shutil.which("node")
        return {
            "PATH": f"{path}:{Path(node).parent}" if node else path,
            "HOME": str(self.folder),
            "LANG": "C.UTF-8",
        }

    def command(self, *words: str | Path) -> list[str]:
        """Return a command that runs these words without the checkout. Its process id stays."""
        return [*_namespace(), "sh", "-c", HIDE, str(ROOT), *map(str, words)]

    def run(self, *words: str | Path, **env: str) -> str:
        """Run a program in the folder until it ends; return what it printed.

        Raises:
            AssertionError: it failed. The text is what it printed.
        """
        done = subprocess.run(
            self.command(*words),
            cwd=self.folder,
            env={**self.env, **env},
            capture_output=True,
            text=True,
            timeout=150,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


def _namespace() -> list[str]:
    """Return the command that runs a program with mounts of its own."""
    # Without root, it is root in a namespace of users, which some systems forbid.
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    command = ["unshare", *user, "--mount", "--propagation", "private"]
    try:
        subprocess.run([*command, "mount", "-t", "tmpfs", "none", "/mnt"], check=True)
    except (FileNotFoundError, subprocess.CalledProcessError) as error:
        raise ServerNotInstalled(f"mount namespaces are not possible here: {error}") from error
    return command
