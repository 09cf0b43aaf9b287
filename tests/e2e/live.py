"""Serve an app, or a page's files, on a port of its own until the block ends."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

from werkzeug.serving import make_server

Wsgi = Callable[..., Any]


@contextlib.contextmanager
def served(app: Wsgi, port: int = 0) -> Iterator[int]:
    """Serve on 127.0.0.1; gives the port."""
    server = make_server("127.0.0.1", port, app, threaded=True)
    # Asked to end, it looks up after that many seconds.
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
