"""The facts in the rows of erasures."""

from sqlalchemy import ColumnElement, select

from broker.db.models import Erasure
from broker.services.history.fact import Fact, History
from broker.services.work import Work


def add_erasures(work: Work, history: History, *conditions: ColumnElement[bool]) -> None:
    """Add the erasures that meet the conditions."""
    for row in work.session.scalars(select(Erasure).where(*conditions)):
        text = f"a service erased it: {row.objects} deletions of objects"
        history.facts.append(Fact(time=row.requested_at, about=history.title, text=text))
        if row.finished_at is not None:
            text = "the erasure finished: the last object is deleted"
            history.facts.append(Fact(time=row.finished_at, about=history.title, text=text))
        else:
            history.now.append((history.title, "objects of the erasure are still being deleted"))
