"""The upload broker's client: `Broker`, `AsyncBroker`, and their results and exceptions.

The protocol is written as generators that do no I/O (`upload`, `whole`, `parts`, …). They yield the
steps defined in `steps`. A runner, `sync_runner` or `async_runner`, runs these steps.
"""

from broker_client.async_broker import AsyncBroker
from broker_client.errors import (
    BrokerError,
    ClientError,
    FileChanged,
    Forbidden,
    ImageLimitReached,
    NetworkError,
    NotFound,
    ObjectMismatch,
    ObjectMissing,
    ProxyAnswered,
    S3Refused,
    StillProcessing,
    TokenFailed,
    Unauthorized,
    Unavailable,
    UnknownType,
    UploadGone,
    UploadRejected,
    ValidationFailed,
    WrongFile,
)
from broker_client.files import File, FileToSend
from broker_client.journal import Entry, FolderJournal, Journal
from broker_client.media_types import CONTENT_TYPES, content_type_of
from broker_client.models import (
    FilePage,
    Image,
    Outcome,
    Picture,
    Profile,
    Progress,
    StoredFile,
    Ticket,
    Upload,
    User,
    Variant,
)
from broker_client.sync_broker import Broker

__all__ = [
    "CONTENT_TYPES",
    "AsyncBroker",
    "Broker",
    "BrokerError",
    "ClientError",
    "Entry",
    "File",
    "FileChanged",
    "FilePage",
    "FileToSend",
    "FolderJournal",
    "Forbidden",
    "Image",
    "ImageLimitReached",
    "Journal",
    "NetworkError",
    "NotFound",
    "ObjectMismatch",
    "ObjectMissing",
    "Outcome",
    "Picture",
    "Profile",
    "Progress",
    "ProxyAnswered",
    "S3Refused",
    "StillProcessing",
    "StoredFile",
    "Ticket",
    "TokenFailed",
    "Unauthorized",
    "Unavailable",
    "UnknownType",
    "Upload",
    "UploadGone",
    "UploadRejected",
    "User",
    "ValidationFailed",
    "Variant",
    "WrongFile",
    "content_type_of",
]
