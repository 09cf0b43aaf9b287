"""The name by which a child of `broker background` knows itself. No library is imported here."""

import os

CHILD_ID = "UPLOAD_BROKER_CHILD"


def child_id(name: str) -> str:
    """Return the id of a child of this process; no other parent on this machine uses it."""
    return f"{name}-{os.getpid()}"
