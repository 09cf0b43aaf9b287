"""How many events wait for their delivery, for metrics."""

from broker.db.deliveries import Undelivered, undelivered
from broker.services.work import Work


def backlog(work: Work) -> Undelivered:
    """Count the events that the receiver has not accepted."""
    found = undelivered(work.session, is_expected=work.limits.webhook_url is not None)
    work.session.commit()
    return found
