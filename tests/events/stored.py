"""Events in the database, as `services/events/record.py` stores them."""

import json
from datetime import UTC, datetime
from typing import Any

from uuid_utils.compat import uuid7

from broker.db.models import Event
from broker.db.session import Database

DATA = {
    "profile": "ad_image",
    "owner": "7",
    "reason": None,
    "image": None,
    "removed_keys": ["ads/ad_7/main_Zt41bQ9c.jpg"],
}


def store_event(database: Database, **changes: Any) -> str:
    """Store an event, which is not numbered yet; return its id."""
    event_id = uuid7()
    values = {
        "event_id": event_id,
        "type": "image.deleted",
        "created_at": datetime.now(UTC),
        "owner_kind": "ad",
        "owner_id": 7,
        "data": json.dumps(DATA),
        **changes,
    }
    with database.session() as session:
        session.add(Event(**values))
        session.commit()
    return str(event_id)
