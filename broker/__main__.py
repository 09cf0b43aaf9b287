"""Start the `broker` command. Ctrl-C during the imports prints no traceback."""

import signal


def main() -> None:
    """Import the command, which takes up to a second, and run it.

    During the imports, Ctrl-C ends the process by the signal, as with other programs. Python's own
    handler would print a traceback of the interrupted import.
    """
    handler = signal.getsignal(signal.SIGINT)
    if handler is signal.default_int_handler:  # SIGINT is ignored in a shell's background
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from broker.cli import main as run

    signal.signal(signal.SIGINT, handler)
    run()


if __name__ == "__main__":
    main()
