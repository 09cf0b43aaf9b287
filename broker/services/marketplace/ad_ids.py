"""After a restore: no new ad may get an id that the bucket has photos of already.

The backup's counter stands where it stood then. Ads that were made since are lost with their
rows, but not their photos; a new ad with such an id, another seller's, would stand above them.
"""

from sqlalchemy.orm import Session

from broker.db.ad_counter import raise_to
from broker.domain.limits import Limits
from broker.domain.object_keys import INCOMING, object_key, owner_of, relative_key
from broker.domain.owners import AD
from broker.storage.protocol import ObjectStorage


def skip_used_ids(session: Session, storage: ObjectStorage, limits: Limits) -> int:
    """Have the next ad get an id above every one in the bucket's keys; gives the highest."""
    highest = 0
    for location in (limits.location, INCOMING):
        for listed in storage.list_objects(object_key(location, AD.prefix)):
            key = relative_key(location, listed.key)
            owner = owner_of(key) if key is not None else None
            if owner is not None:
                highest = max(highest, owner[1])
    raise_to(session, highest)
    session.commit()
    return highest
