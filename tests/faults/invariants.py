"""The invariants of the design, checked by comparing every object with every row.

They are true at any moment, even after a crash. With `at_rest`, stricter invariants are checked,
too. These are true after all retries and reaping: nothing is lost, and nothing is left.
"""

from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Protocol

import boto3
from flask import Flask

from broker.domain.limits import Limits
from broker.domain.object_keys import (
    INCOMING,
    final_key,
    object_key,
    published_key,
    published_locations,
    written_key,
)
from broker.domain.profiles import AD, PRIVATE, USER, Profile
from broker.domain.states import UNFINISHED, UploadState
from tests.faults.event_invariants import wrong_events
from tests.faults.stored import Stored, stored_in


@dataclass
class State:
    """The numbers of rows and objects, and the violated invariants."""

    counts: dict[str, int] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        counts = " ".join(f"{name} {count}" for name, count in self.counts.items())
        return f"{counts} | violations {self.violations}"


@cache
def _client(endpoint_url: str) -> Any:
    """Create an S3 client with all rights; the broker's own cannot list multipart uploads."""
    return boto3.Session().client("s3", endpoint_url=endpoint_url)


class Listing(Protocol):
    """The content of a bucket, as the invariants need it. Keys are full object keys."""

    def objects(self) -> dict[str, tuple[int, str]]:
        """Return the size and ETag of each object by key."""

    def begun(self, prefix: str) -> list[str]:
        """Return the ids of the multipart uploads below a prefix."""

    def has_parts(self, key: str, multipart_id: str) -> bool:
        """Check whether a multipart upload has any part."""


class S3Listing:
    """The content of a real bucket."""

    def __init__(self, storage: Any, client: Any = None) -> None:
        self._client = client or _client(storage.client.meta.endpoint_url)
        self._buckets = storage.buckets

    def objects(self) -> dict[str, tuple[int, str]]:
        return {
            item["Key"]: (item["Size"], item["ETag"].strip('"'))
            for bucket in self._buckets.each()
            for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=bucket)
            for item in page.get("Contents", [])
        }

    def begun(self, prefix: str) -> list[str]:
        answer = self._client.list_multipart_uploads(Bucket=self._buckets.of(prefix), Prefix=prefix)
        return [found["UploadId"] for found in answer.get("Uploads", [])]

    def has_parts(self, key: str, multipart_id: str) -> bool:
        bucket = self._buckets.of(key)
        answer = self._client.list_parts(Bucket=bucket, Key=key, UploadId=multipart_id)
        return bool(answer.get("Parts"))


def check_invariants(
    app: Flask, *, at_rest: bool = False, client: Any = None, has_former: bool = False
) -> State:
    """Compare the bucket with the database; with `at_rest` check the stricter invariants, too.

    Without `client` the S3 client uses the credentials of the environment. With `has_former`, there
    may be images of a release without events.
    """
    broker = app.extensions["broker"]
    listing = S3Listing(broker.storage, client)
    objects = listing.objects()
    stored = stored_in(broker.database)
    return compare(objects, stored, broker.limits, listing, at_rest=at_rest, has_former=has_former)


def _owners(stored: Stored, limits: Limits) -> dict[tuple[str, int], tuple[str, int | None]]:
    """Return the owners in the tables that count: the name, and the slots if they are counted."""
    return {
        (profile.owner_kind, owner_id): (name, None if profile.keeps_one else slots)
        for profile in limits.profiles
        for owner_id, name, slots in _rows(stored, profile)
    }


def _rows(stored: Stored, profile: Profile) -> list[tuple[int, str, int]]:
    if profile.is_by_token:
        rows = [row for row in stored.owners if row.owner_kind == profile.owner_kind]
        return [(row.id, row.owner, row.slots_taken) for row in rows]
    if profile.owner_kind == AD:
        return [(row.id, str(row.id), row.slots_taken) for row in stored.ads]
    return [(row.id, str(row.id), 0) for row in stored.users]


def compare(
    objects: dict[str, tuple[int, str]],
    stored: Stored,
    limits: Limits,
    listing: Listing,
    *,
    at_rest: bool,
    has_former: bool = False,
) -> State:
    """Compare any bucket with the rows of a database. The objects were listed before the rows."""
    images, variants, uploads = stored.images, stored.variants, stored.uploads
    quotas, deletions, erasures = stored.quotas, stored.deletions, stored.erasures
    parts = stored.parts
    owners = _owners(stored, limits)
    erased = {user.id for user in stored.users if user.is_erased}
    state = State(violations=[*wrong_events(stored, limits, has_former=has_former)])
    pending = [upload for upload in uploads if upload.state == UploadState.PENDING]
    unfinished = [upload for upload in uploads if upload.state in UNFINISHED]
    begun = {
        (written_key(limits, upload), multipart_id)
        for upload in uploads
        if upload.multipart_id is not None or upload in pending
        for multipart_id in listing.begun(written_key(limits, upload))
    }
    state.counts = {
        "objects": len(objects),
        "images": len(images),
        "uploads": len(uploads),
        "variants": len(variants),
        "pending": len(pending),
        "processing": len(unfinished) - len(pending),
        "deletions": len(deletions),
        "multipart": len(begun),
        "late": sum(row.charged_window is not None for row in deletions),
    }
    wrong = state.violations.append

    # Every image has its object, with the right size and ETag.
    published = [*images, *variants]
    for image in published:
        found = objects.get(published_key(limits, image.key))
        if found != (image.size, image.etag):
            wrong(f"image {image.key} {image.size} {image.etag} has object {found}")
    # A key is that of one image or of one variant.
    if len({image.key for image in published}) != len(published):
        wrong("a key is used twice")
    of_images = {image.id for image in images}
    for variant in variants:
        if variant.image_id not in of_images:
            wrong(f"variant {variant.key} is of no image")
    # Every object belongs to a row: a public one to an image, to the outbox, or to a confirm that
    # runs now. A client may write below incoming/ even after its upload has ended.
    written = {written_key(limits, upload): upload for upload in uploads}
    incoming = {key for key in written if key.startswith(object_key(INCOMING, ""))}
    public = {published_key(limits, image.key) for image in published}
    known = public | incoming
    known |= {deletion.object_key for deletion in deletions}
    for upload in unfinished:
        known.add(written_key(limits, upload))
        if upload.publish_attempts:
            known.add(final_key(limits, upload))
    for key in objects.keys() - known:
        wrong(f"object {key} is known to no row")
    # Clients write only below incoming/, also parts, except for uploads of release 0.2.
    if all(upload.written_key is not None for upload in uploads):
        for location in published_locations(limits):
            for multipart_id in listing.begun(object_key(location, "")):
                wrong(f"parts of {multipart_id} are sent to a published key")
        for key in written.keys() - incoming:
            wrong(f"clients write to {key}")
    # A confirmed upload has one image. Any other upload has no image.
    of_uploads = [image.upload_id for image in images if image.upload_id is not None]
    by_upload = set(of_uploads)
    for upload in uploads:
        if upload.id in by_upload and upload.state != UploadState.CONFIRMED:
            wrong(f"upload {upload.key} is {upload.state} and has an image")
    if len(by_upload) != len(of_uploads):
        wrong("two images of one upload")
    # An upload that is being processed has the object that its client sent.
    for upload in unfinished:
        if upload.state == UploadState.PROCESSING and written_key(limits, upload) not in objects:
            wrong(f"upload {upload.key} is processed and has no object")
        if upload.state == UploadState.PROCESSING and upload.due_at is None:
            wrong(f"upload {upload.key} is processed and is never due")
    # An owner's used slots are its images and unfinished uploads. An owner that has any exists.
    taken = Counter((row.owner_kind, row.owner_id) for row in [*images, *unfinished])
    for owner, (_, slots) in owners.items():
        if slots is not None and slots != taken[owner]:
            wrong(f"{owner[0]} {owner[1]} counts {slots} slots, and has {taken[owner]}")
    for kind, owner_id in taken.keys() - owners.keys():
        wrong(f"{kind} {owner_id} has files, and no row")
    # The row of an owner names the owner in its keys.
    for row in [*images, *unfinished]:
        name, _ = owners.get((row.owner_kind, row.owner_id), (None, None))
        if name != limits.profiles.of_kind(row.owner_kind).owner_in(row.key):
            wrong(f"{row.key} is of {row.owner_kind} {name}")
    # An erased user has no files, no unfinished uploads and no texts.
    for row in [*images, *uploads]:
        is_avatar = row.owner_kind == USER and row.owner_id in erased
        if is_avatar and (row in images or row in unfinished):
            wrong(f"{row.key} is of an erased user")
    for upload in uploads:
        if upload.user_id in erased and (upload in unfinished or upload.file_name):
            wrong(f"upload {upload.key} of an erased user is {upload.state}")
    # An erasure is finished after the last of its deletions.
    queued = {deletion.erasure_id for deletion in deletions}
    for erasure in erasures:
        if erasure.finished_at is not None and erasure.id in queued:
            wrong(f"erasure {erasure.id} is finished, and has deletions")
    # Objects of a private profile are not below the public location, and only they are private.
    for key in objects:
        location, _, relative = key.partition("/")
        if location == limits.location and limits.profiles.is_private(relative):
            wrong(f"object {key} is private, and is below the public location")
        if location == PRIVATE and not limits.profiles.is_private(relative):
            wrong(f"object {key} is below private/, and its profile is public")
    # A user is charged for unfinished and confirmed uploads of the window. An ended upload is
    # charged until the outbox has deleted its object for the last time. An object that arrived
    # after the end of its upload is charged once more until it is deleted.
    by_id = {upload.id: upload for upload in uploads}
    charging = [row for row in deletions if row.upload_id is not None]
    owing = {row.upload_id for row in charging if row.charged_window is None}
    late = [row for row in charging if row.charged_window is not None]
    for quota in quotas:
        sizes = [
            upload.size
            for upload in uploads
            if (upload.user_id, upload.quota_window) == (quota.user_id, quota.window_start)
            and (upload.state in (*UNFINISHED, UploadState.CONFIRMED) or upload.id in owing)
        ]
        sizes += [
            by_id[row.upload_id].size
            for row in late
            if (by_id[row.upload_id].user_id, row.charged_window)
            == (quota.user_id, quota.window_start)
        ]
        if (quota.bytes_taken, quota.files_taken) != (sum(sizes), len(sizes)):
            charged = f"{quota.bytes_taken} bytes in {quota.files_taken} files"
            wrong(f"user {quota.user_id} is charged {charged}, and has {sizes}")
    # The outbox refunds an upload for the object that its client wrote, after the upload has ended.
    for row in charging:
        upload = by_id[row.upload_id]
        if upload.state in UNFINISHED or row.object_key != written_key(limits, upload):
            wrong(f"deleting {row.object_key} refunds {upload.state} upload {upload.key}")
    # Every multipart upload with parts belongs to a row. If it was created just before a crash, it
    # has no parts, and the bucket's lifecycle rule removes it.
    recorded = {upload.multipart_id for upload in pending}
    recorded |= {deletion.multipart_id for deletion in deletions}
    for key, multipart_id in begun:
        if multipart_id not in recorded and listing.has_parts(key, multipart_id):
            wrong(f"parts of {key} are known to no row")
    if at_rest:
        if unfinished:
            wrong(f"{len(unfinished)} uploads are unfinished")
        if deletions:
            wrong(f"{len(deletions)} deletions wait")
        for erasure in erasures:
            if erasure.finished_at is None:
                wrong(f"erasure {erasure.id} is not finished")
        if parts:
            wrong(f"{parts} digests of parts are left")
        for key in objects.keys() - public:
            wrong(f"object {key} is left")
    return state
