"""The same histories with owners by token and a private profile in the place of ads.

Alice has a grant for each of these owners, and Bob has none. Nobody can delete such an owner.
"""

from dataclasses import replace
from typing import Any

from hypothesis.stateful import precondition, rule

from broker.db.models import Image
from broker.domain.profiles import Profile, Visibility
from broker.services.marketplace.users import get_own_user
from broker.services.uploads.images import delete_images
from broker.services.uploads.owners import add_owner
from broker.services.work import Work
from tests.faults.stored import Rows, Stored
from tests.fuzz import model
from tests.fuzz.kinds import FORM
from tests.fuzz.lifecycle import CONTENT_TYPE, Lifecycle
from tests.fuzz.machine import ALICE, BACKEND, KEEPING, PAPERS, RULES
from tests.fuzz.model import ModelOwner, ModelUpload
from tests.fuzz.scripted import Script, issue, later

PAPER = Profile(
    name="paper",
    owner_kind="paper",
    prefix="papers/",
    content_types=(CONTENT_TYPE,),
    max_bytes=model.MOST["paper"],
    max_count=model.PLACES,
    visibility=Visibility.PRIVATE,
    is_inspected=False,
    variant_widths=(16, 32),
    cache_control="private, no-store",
    put_ttl=RULES.put_ttl,
    multipart_ttl=RULES.multipart_ttl,
)
BY_TOKEN = replace(RULES, declared=(PAPER,))
BY_TOKEN_KEEPING = replace(KEEPING, declared=(PAPER,))


class LifecycleByToken(Lifecycle):
    """A history with owners by token."""

    def places(self, stored: Stored) -> Rows:
        return stored.owners

    @precondition(lambda self: len(self.all_ads) < len(PAPERS))
    @rule()
    def create_ad(self) -> None:
        """Insert the row of an owner, as its first ticket does."""
        name = PAPERS[len(self.all_ads)]

        def add(work: Work) -> int:
            added = add_owner(work.session, PAPER, name)
            work.session.commit()
            return added

        for caller in (ALICE, BACKEND):
            self.act(get_own_user, caller)
        _, owner_id = self.act(add, ALICE)
        owner = self.owner("paper", owner_id)
        owner.name, owner.location = name, "private"
        self.all_ads.append(owner)

    def delete_image_of(self, upload: ModelUpload) -> None:
        if upload.has_image and upload.owner is not self.alice:

            def delete(work: Work) -> Any:
                gone = delete_images(
                    work.session, work.limits, Image.id == upload.image, now=work.now
                )
                work.session.commit()
                return gone

            assert len(self.act(delete, ALICE)[1]) == 1
            upload.drop_image(self.now)

    def delete_ad(self) -> None:
        """Do nothing."""

    def delete_ad_of(self, ad: ModelOwner) -> None:
        """Do nothing."""

    def give_to(self, upload: ModelUpload, *, given: bool) -> None:
        """Do nothing: an owner by token belongs to nobody."""


SCRIPTED: dict[str, Script] = {
    "another owner is full while a service's upload is stale": [
        issue(FORM, who=BACKEND),
        (LifecycleByToken.create_ad,),
        later(7201),
        issue(FORM, FORM, FORM),
        issue(FORM),
    ]
}
