"""Zombies whose parent has died. The kernel gives them to process 1, which is a supervisor here."""

import os
import sys
from collections.abc import Collection


def end_zombies(own: Collection[int]) -> None:
    """Let the kernel forget processes that have ended and were inherited (Linux only).

    A worker that is killed leaves the process that inspects its file. In a container, each would
    take one of the container's process ids for ever.

    Args:
        own: the processes that this one has started. Their exit status is read elsewhere.
    """
    while sys.platform == "linux":
        try:
            ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return
        if ended is None or ended.si_pid in own:
            return
        os.waitpid(ended.si_pid, os.WNOHANG)
