"""The SQS queue of the bucket's notifications, through boto3, with translated errors."""

from typing import TYPE_CHECKING

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from broker.config import Settings, SettingsError
from broker.domain.errors import QueueUnavailable
from broker.storage.aws_session import aws_session, region_of
from broker.storage.factory import CONNECT_TIMEOUT_SECONDS
from broker.storage.protocol import QueueMessage

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

MESSAGES_MAX = 10  # SQS's maximum for one call
READ_TIMEOUT_SECONDS = 30  # longer than the longest long poll of 20 seconds


class SqsQueue:
    """A NotificationQueue on Amazon SQS."""

    def __init__(self, client: "SQSClient", url: str) -> None:
        self._client = client
        self._url = url

    def receive(self, *, wait_seconds: int) -> list[QueueMessage]:
        """See NotificationQueue. A long poll takes at most 20 seconds."""
        try:
            answer = self._client.receive_message(
                QueueUrl=self._url, MaxNumberOfMessages=MESSAGES_MAX, WaitTimeSeconds=wait_seconds
            )
        except (BotoCoreError, ClientError) as error:
            raise QueueUnavailable(f"The queue cannot be read: {error}") from error
        return [
            QueueMessage(
                message_id=message["MessageId"],
                receipt_handle=message["ReceiptHandle"],
                body=message["Body"],
            )
            for message in answer.get("Messages", [])
        ]

    def delete(self, message: QueueMessage) -> None:
        """See NotificationQueue. Receiving a message twice is harmless."""
        try:
            self._client.delete_message(QueueUrl=self._url, ReceiptHandle=message.receipt_handle)
        except (BotoCoreError, ClientError) as error:
            raise QueueUnavailable(f"The queue cannot delete a message: {error}") from error


def notification_queue(settings: Settings) -> SqsQueue:
    """Create the queue that the settings name; raise SettingsError if they name none."""
    if settings.bucket_notifications_queue_url is None:
        raise SettingsError("BROKER_BUCKET_NOTIFICATIONS_QUEUE_URL: is needed to read a queue")
    session = aws_session()
    client = session.client(
        "sqs",
        region_name=region_of(session),
        config=Config(
            connect_timeout=CONNECT_TIMEOUT_SECONDS,
            read_timeout=READ_TIMEOUT_SECONDS,
            retries={"mode": "standard", "total_max_attempts": 2},
        ),
    )
    return SqsQueue(client, settings.bucket_notifications_queue_url)
