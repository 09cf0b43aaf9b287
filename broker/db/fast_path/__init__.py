"""Statements that skip SQLAlchemy's session, for the most frequent requests.

Callers import only from this package, and use no types of its modules. The list shows what each
piece saves, in µs of CPU per request on SQLite / PostgreSQL, compared with the plain way while
everything else stays fast (CPython 3.11; a ticket costs 530 / 525 in all, a batch of 20 tickets
1,800 / 1,310, a confirm 525 / 630, signing 100 parts 1,950 / 2,000):

- `statements` and `driver_cursors`: 212 / 205 of a ticket, 254 / 355 of a confirm. The plain way
  executes the same statements on a SQLAlchemy connection.
- `transactions`: on PostgreSQL 58 of a ticket, 165 of a confirm, 127 of 100 parts, and two round
  trips. The plain way sends BEGIN and COMMIT. Its lock for SQLite's writers saves no CPU; it
  avoids SQLite's sleeps.
- `insert_uploads`: 760 / 1,200 of a ticket, 1,110 / 2,190 of a batch. The plain way is an UPDATE of
  the slots, an upsert of the quota and an INSERT in a session.
- `insert_image`: 730 / 1,100 of a confirm. The plain way is a transition and `session.add`.
- `set_processing`: 470 / 970 of a confirm with inspection. The plain way is an UPDATE in a session.
- `read_upload`: 305 / 465 of a confirm, 340 / 500 of 100 parts. The plain way is
  `session.scalar(select(Upload))`. The same statement checks the owner, which saves a confirm by
  the ad's user 15 / 25 and a round trip compared with a second statement of the fast path.
- `take_row`: 150 / 650 of a poll that finds nothing, 800 / 940 of a lease. The plain way executes
  the same statements in a session.
- `read_rows`: 1,380 / 1,780 of reading an ad with 20 images. The plain way is models in a session.
"""

from broker.db.fast_path.new_image import insert_image
from broker.db.fast_path.new_uploads import insert_uploads
from broker.db.fast_path.rows import id_list, is_one_of, read_rows
from broker.db.fast_path.set_processing import set_processing
from broker.db.fast_path.stored_upload import read_upload
from broker.db.fast_path.taken_row import take_row
from broker.db.fast_path.transactions import is_sqlite

__all__ = [
    "id_list",
    "insert_image",
    "insert_uploads",
    "is_one_of",
    "is_sqlite",
    "read_rows",
    "read_upload",
    "set_processing",
    "take_row",
]
