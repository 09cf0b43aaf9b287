"""Start the `broker` command. Ctrl-C during the imports prints no traceback."""

import atexit
import gc
import os
import signal

from broker.telemetry.child_id import CHILD_ID


def main() -> None:
    """Import the command, which takes up to a second, and run it.

    During the imports, Ctrl-C ends the process by the signal, as with other programs. Python's own
    handler would print a traceback of the interrupted import.

    What the imports create stays until the end. To search it for garbage, during the imports and
    again at the end, took a third of the CPU time of a short command.
    """
    gc.disable()  # `broker.cli` enables it after the imports
    atexit.register(gc.freeze)
    handler = signal.getsignal(signal.SIGINT)
    if handler is signal.default_int_handler:  # SIGINT is ignored in a shell's background
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    if CHILD_ID in os.environ:
        _protect()
    from broker.cli import main as run

    signal.signal(signal.SIGINT, handler)
    run()


def _protect() -> None:
    """Make this process unreadable for other children of `broker background`, as early as possible.

    They run as the same user, and must not see its secrets.
    """
    from broker.inspection.sandbox import protect_parent

    protect_parent()


if __name__ == "__main__":
    main()
