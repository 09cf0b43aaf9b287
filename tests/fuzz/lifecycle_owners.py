"""Actions on owners: create and delete ads, delete images, set avatars."""

from decimal import Decimal

from hypothesis.stateful import precondition, rule

from broker.services.marketplace import ads as ad_services
from broker.services.marketplace.users import edit_user
from broker.services.uploads.files import delete_file
from tests.fuzz.machine import ALICE, BACK, BOB, FORBIDDEN, Machine
from tests.fuzz.model import ModelOwner, ModelUpload

NEW_AD = {"title": "A bicycle", "description": "", "price": Decimal(1), "is_active": True}
ADS_MAX = 3


class Owners(Machine):
    """Actions on ads, their images, and Alice's profile."""

    @precondition(lambda self: len(self.all_ads) < ADS_MAX)
    @rule()
    def create_ad(self) -> None:
        _, view = self.act(ad_services.create_ad, ALICE, NEW_AD)
        self.all_ads.append(self.owner("ad", view.ad.id))

    @precondition(lambda self: self.recent)
    @rule(back=BACK)
    def delete_image(self, back: int) -> None:
        self.delete_image_of(self.upload(back))

    def delete_image_of(self, upload: ModelUpload) -> None:
        """Delete an image. An avatar cannot be deleted as an image of an ad."""
        ad = self.all_ads[-1] if upload.owner is self.alice else upload.owner
        args = (self.limits.profiles.ad_image, str(ad.id), upload.image or 1_000_000)
        assert self.act(delete_file, BOB, *args)[0] in FORBIDDEN
        there = upload.has_image and upload.owner is ad
        code, _ = self.act(delete_file, ALICE, *args)
        assert code == (None if there else "not_found")
        if there:
            upload.drop_image(self.now)

    @precondition(lambda self: len(self.recent) > ADS_MAX and not self.all_ads[-1].deleted)
    @rule()
    def delete_ad(self) -> None:
        self.delete_ad_of(self.all_ads[-1])

    def delete_ad_of(self, ad: ModelOwner) -> None:
        assert self.act(ad_services.delete_ad, BOB, ad.id)[0] in FORBIDDEN
        assert self.act(ad_services.delete_ad, ALICE, ad.id)[0] is None
        ad.delete(self.now)

    @rule()
    def remove_avatar(self) -> None:
        args = (ALICE.user_id, {"avatar": None})
        assert self.act(edit_user, BOB, *args)[0] == "forbidden"
        assert self.act(edit_user, ALICE, *args)[0] is None
        self.alice.drop_images(self.now)

    @precondition(lambda self: self.recent)
    @rule(back=BACK)
    def name_avatar(self, back: int) -> None:
        """Set the avatar. Only the current one, the newest confirmed upload, is accepted."""
        upload = self.upload(back)
        args = (ALICE.user_id, {"avatar": upload.id})
        code, view = self.act(edit_user, ALICE, *args)
        newest = upload.owner is self.alice and upload.has_image
        assert code == (None if newest else "avatar_not_confirmed")
        assert not newest or view.avatar.id == upload.image
