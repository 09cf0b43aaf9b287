"""Issue tickets in one process, in turn for an ad and by a grant; run by `rows/grants.py`."""

import logging
import os
import sys
import time

from benchmarks import requests
from benchmarks.reports import write_report
from benchmarks.rows.grants import BLOCK, GRANT, TABLE
from benchmarks.wsgi_calls import Call
from broker.app import create_app


def main(blocks: int) -> None:
    """Report the CPU time of a ticket in each of this many blocks of each side."""
    app = create_app()
    logging.getLogger("broker").setLevel(logging.WARNING)
    file = requests.declared()
    sides = {
        TABLE: Call(app, "/api/ads/1/upload_image/", os.environ["BENCH_TOKEN"], file),
        GRANT: Call(
            app, "/api/owners/product_image/1/uploads/", os.environ["BENCH_GRANTED_TOKEN"], file
        ),
    }
    times: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(blocks + 2):
        for name, side in sides.items():
            began = time.process_time()
            for _ in range(BLOCK):
                side()
            if number >= 2:  # the first blocks are the warm-up
                times[name].append((time.process_time() - began) / BLOCK)
    write_report(times)


if __name__ == "__main__":
    main(int(sys.argv[1]))
