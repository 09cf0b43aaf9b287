"""Who may write below an owner: the one place that loads owners by their kind."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from broker.db.models import Ad, User
from broker.domain.errors import Forbidden, NotFound
from broker.domain.owners import AD, OwnerKind
from broker.domain.principal import Principal


def authorise(session: Session, principal: Principal, kind: OwnerKind, owner_id: int) -> int:
    """Give the id of the user whom the owner belongs to.

    Raises:
        NotFound: there is no such owner.
        Forbidden: it belongs to somebody else.
    """
    if kind is AD:
        user_id = session.scalar(select(Ad.owner_id).where(Ad.id == owner_id))
    else:
        # Refused before it is looked up: who has an account here is nobody else's business.
        if not principal.acts_for(owner_id):
            raise Forbidden("This user is not you.")
        user_id = session.scalar(select(User.id).where(User.id == owner_id))
    session.commit()
    if user_id is None:
        raise NotFound(f"There is no such {kind.name}.")
    if not principal.acts_for(user_id):
        raise Forbidden(f"This {kind.name} is not yours.")
    return user_id
