"""End in good order: SIGINT and SIGTERM ask, and what is under way is finished first."""

import signal
import threading


def stop_event() -> threading.Event:
    """Give an event that either signal sets; wait on it instead of sleeping."""
    asked = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: asked.set())
    return asked
