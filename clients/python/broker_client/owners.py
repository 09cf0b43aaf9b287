"""The owners of files: an ad, a user, or an owner of another profile."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote


@dataclass(frozen=True, kw_only=True)
class Owner:
    """An owner, and where its tickets are requested.

    Args:
        profile: the name of its profile, such as `ad_image`.
        name: its id or name within the profile.
        path: where one ticket is requested.
        batch_path: where several tickets are requested; None if the owner takes one file at a time.
    """

    profile: str
    name: str
    path: str
    batch_path: str | None

    @classmethod
    def of(cls, ad: int | None, user: int | None, owner: str | None) -> "Owner":
        """Create an owner from an ad's id, a user's id, or a text such as `product_image/42`.

        Raises:
            ValueError: not exactly one was given, or the text is not valid.
        """
        if [ad, user, owner].count(None) != 2:
            raise ValueError("pass either ad, user or owner")
        if ad is not None:
            path = f"/api/ads/{ad}"
            return cls(
                profile="ad_image",
                name=str(ad),
                path=f"{path}/upload_image/",
                batch_path=f"{path}/upload_images/",
            )
        if user is not None:
            path = f"/api/users/{user}/upload_avatar/"
            return cls(profile="avatar", name=str(user), path=path, batch_path=None)
        return cls.named(owner or "")

    @classmethod
    def named(cls, text: str) -> "Owner":
        """Create an owner from a text such as `product_image/42`.

        Raises:
            ValueError: the text is not valid.
        """
        profile, slash, name = text.partition("/")
        if not (profile and slash and name):
            raise ValueError(f"{text!r} is not an owner such as product_image/42")
        path = f"{_path(profile, name)}/uploads/"
        return cls(profile=profile, name=name, path=path, batch_path=f"{path}batch/")

    @classmethod
    def of_upload(cls, found: Mapping[str, Any]) -> "Owner | None":
        """Return the owner of an upload in the broker's JSON."""
        profile, name = found.get("purpose"), found.get("owner")
        if not profile or name is None:
            return None
        if profile == "ad_image":
            return cls.of(name, None, None)
        return cls.of(None, name, None) if profile == "avatar" else cls.named(f"{profile}/{name}")

    @property
    def takes_text(self) -> bool:
        """Check whether a ticket request may contain alt text and order."""
        return self.batch_path is not None

    @property
    def files_path(self) -> str:
        """Return the path of the owner's published files."""
        return f"{_path(self.profile, self.name)}/files/"


def _path(profile: str, name: str) -> str:
    return f"/api/owners/{quote(profile, safe='')}/{quote(name, safe='')}"
