"""Issue tickets in one process, in turn for an ad and by a grant; run by `rows/grants.py`."""

import logging
import os
import sys

from benchmarks import requests
from benchmarks.cpu_blocks import cpu_in_turn
from benchmarks.reports import write_report
from benchmarks.rows.grants import GRANT, TABLE
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
    write_report(cpu_in_turn(sides, blocks))


if __name__ == "__main__":
    main(int(sys.argv[1]))
