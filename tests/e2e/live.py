"""Serves an app or the files of a page on a free port until the block ends."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

from werkzeug.serving import make_server

Wsgi = Callable[..., Any]


@contextlib.contextmanager
def served(app: Wsgi, port: int = 0) -> Iterator[int]:
    """Serve on 127.0.0.1; yield the port."""
    server = make_server("127.0.0.1", port, app, threaded=True)
    # The server notices a shutdown within this many seconds.
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
