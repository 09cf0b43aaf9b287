"""Give a ticket back."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from broker.domain.errors import UploadSettled
from broker.domain.principal import Principal
from broker.domain.rules import Rules
from broker.domain.states import UploadState
from broker.services.uploads import discard, get_upload


def cancel(
    session: Session, rules: Rules, principal: Principal, upload_id: UUID, *, now: datetime
) -> None:
    """Cancel a pending upload; one that ended without an image needs nothing more.

    Raises:
        NotFound: no such upload of this principal.
        UploadSettled: it is confirmed; its image is what can be deleted now.
    """
    upload = get_upload(session, principal, upload_id)
    won = discard(session, rules, upload, UploadState.CANCELLED, now=now)
    session.commit()
    if not won and get_upload(session, principal, upload_id).state == UploadState.CONFIRMED:
        raise UploadSettled("The upload is confirmed; delete its image instead.")
