"""The tables. Rows hold relative keys; the location is a setting, not data.

Uploads and images name their owner by kind and id (`db/owner_tables.py`) without a foreign key,
so a new kind needs no new column. Code that deletes an owner deletes these rows.
"""

from broker.db.models.accounts import Ad, User, UserQuota
from broker.db.models.background import Deletion, IdempotencyKey, Worker
from broker.db.models.base import Base
from broker.db.models.erasures import Erasure
from broker.db.models.events import Delivery, Event, EventFeed
from broker.db.models.images import Image, ImageVariant
from broker.db.models.owners import Owner, UsedProfile
from broker.db.models.uploads import ReportedFailure, Upload, UploadPart, UppySession

__all__ = [
    "Ad",
    "Base",
    "Deletion",
    "Delivery",
    "Erasure",
    "Event",
    "EventFeed",
    "IdempotencyKey",
    "Image",
    "ImageVariant",
    "Owner",
    "ReportedFailure",
    "Upload",
    "UploadPart",
    "UppySession",
    "UsedProfile",
    "User",
    "UserQuota",
    "Worker",
]
