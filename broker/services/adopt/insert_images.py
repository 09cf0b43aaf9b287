"""Insert adopted images, and count them in their ads' places, in one transaction."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import delete
from sqlalchemy.orm import Session

from broker.db.models import Image
from broker.db.upsert import insert_new
from broker.domain.owners import AD
from broker.services.uploads import places


def insert_images(session: Session, rows: Sequence[Mapping[str, Any]]) -> set[str]:
    """Insert rows, sorted by key, and commit; gives the keys of those that were not there.

    Two at once insert in one order and so never wait for each other in a ring. An ad that was
    deleted meanwhile gets no images: its row is asked last, as whoever deletes it does.
    """
    inserted = set(insert_new(session, Image, rows, Image.key))
    of_ads = [row for row in rows if row["owner_kind"] == AD.name and row["key"] in inserted]
    for ad_id, count in sorted(Counter(row["owner_id"] for row in of_ads).items()):
        if not places.add(session, ad_id, count):
            lost = {row["key"] for row in of_ads if row["owner_id"] == ad_id}
            session.execute(delete(Image).where(Image.key.in_(lost)))
            inserted -= lost
    session.commit()
    return inserted
