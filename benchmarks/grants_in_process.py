"""Issue tickets in one process, in turn for an ad and by a grant; run by `rows/grants.py`."""

import logging
import os
import sys

from benchmarks import requests
from benchmarks.blocks import Side, in_turn
from benchmarks.reports import write_report
from benchmarks.rows.grants import GRANT, TABLE
from benchmarks.wsgi_calls import Call
from broker.app import create_app


def main(blocks: int) -> None:
    """Report the CPU time of a ticket in each of this many blocks of each side."""
    app = create_app()
    logging.getLogger("broker").setLevel(logging.WARNING)
    file = requests.declared()
    table = Call(app, "/api/ads/1/upload_image/", os.environ["BENCH_TOKEN"], file)
    granted_token = os.environ["BENCH_GRANTED_TOKEN"]
    grant = Call(app, "/api/owners/product_image/1/uploads/", granted_token, file)
    write_report(in_turn({TABLE: Side(table, 20), GRANT: Side(grant, 20)}, blocks))


if __name__ == "__main__":
    main(int(sys.argv[1]))
