"""Keep a restored database from using an ad's id again.

A restored backup has an old counter. The rows of ads that were created after the backup are lost,
but their photos are still in the bucket. If a new ad of another seller got the same id, it would
show these photos.
"""

from broker.db.ad_counter import raise_to
from broker.domain.object_keys import INCOMING, object_key, published_locations, relative_key
from broker.services.work import Work


def skip_used_ids(work: Work) -> int:
    """Raise the counter above every ad id in the bucket's keys; return the highest id.

    If ads are owners by token, the marketplace chooses their ids, and nothing is read or changed.
    """
    highest, profile = 0, work.limits.profiles.ad_image
    if profile.is_by_token:
        return highest
    for location in (*published_locations(work.limits), INCOMING):
        for listed in work.storage.list_objects(object_key(location, profile.prefix)):
            key = relative_key(location, listed.key)
            owner = profile.owner_in(key) if key is not None else None
            if owner is not None:
                highest = max(highest, int(owner))
    raise_to(work.session, highest)
    work.session.commit()
    return highest
