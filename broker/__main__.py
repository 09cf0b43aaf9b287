"""The `broker` command and `python -m broker`: a quiet Ctrl-C while the modules are imported."""

import signal


def main() -> None:
    """Import the command, which takes up to a second, and run it.

    During the imports Ctrl-C ends the process as other programs end: by the signal. Python's own
    handler would print a traceback of the import that was interrupted.
    """
    handler = signal.getsignal(signal.SIGINT)
    if handler is signal.default_int_handler:  # it is not: after nohup, or in a shell's background
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from broker.cli import main as run

    signal.signal(signal.SIGINT, handler)
    run()


if __name__ == "__main__":
    main()
