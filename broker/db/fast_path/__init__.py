"""Statements that skip SQLAlchemy's session, for the requests that are most frequent.

Callers import only from this package, not from its modules.
"""

from broker.db.fast_path.insert_image import insert_image
from broker.db.fast_path.insert_uploads import insert_uploads
from broker.db.fast_path.read_upload import read_upload
from broker.db.fast_path.transactions import read_only

__all__ = ["insert_image", "insert_uploads", "read_only", "read_upload"]
