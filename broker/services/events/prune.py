"""Delete old events, in the order of their sequence.

`pruned_sequence` is the greatest sequence that was deleted. The feed has the events after it, all
of them: a cursor below it is refused, because an event after the cursor may be gone. So no backend
misses an event without being told.

An event that the receiver has not accepted yet stays, also as a dead letter. It does not keep later
events: the deliverer still sends it, and the feed no longer has it.
"""

from collections.abc import Sequence
from datetime import datetime
from itertools import takewhile

from sqlalchemy import Row, delete, exists, select, update

from broker.db.models import Delivery, Event, EventFeed
from broker.services.events.numbering import FeedState, lock_feed, number, read_state
from broker.services.work import Work

BATCH = 1000
# In one round, so that a first round after years delays nothing for long.
MOST = 100_000


def prune_events(work: Work) -> int:
    """Delete events that are older than their retention, in committed batches; return how many.

    Several processes may do this at once: each batch locks the feed.
    """
    # Without a feed and a deliverer, nobody else numbers events.
    number(work)
    pruned = 0
    while pruned < MOST and _old(work, read_state(work.session)):
        state = lock_feed(work.session)
        batch = _old(work, state)
        if batch:
            last = max(batch[-1].sequence or 0, state.pruned_sequence)
            work.session.execute(delete(Event).where(Event.id.in_([one.id for one in batch])))
            work.session.execute(update(EventFeed).values(pruned_sequence=last))
        work.session.commit()
        pruned += len(batch)
    work.session.commit()
    return pruned


def _old(work: Work, state: FeedState) -> Sequence[Row[int, int | None, datetime]]:
    """Return the ids and sequences of the first events that may be deleted.

    If there is a receiver, or a deliverer has ever run, events that it has not seen yet stay.
    """
    before = work.now - work.limits.events_kept_for
    first = (
        select(Event.id, Event.sequence, Event.created_at)
        .where(Event.sequence.is_not(None), ~exists().where(Delivery.id == Event.id))
        .order_by(Event.sequence)
        .limit(BATCH)
    )
    if work.limits.webhook_url is not None or state.enqueued_sequence:
        first = first.where(Event.sequence <= state.enqueued_sequence)
    rows = work.session.execute(first).all()
    return list(takewhile(lambda row: row.created_at <= before, rows))
