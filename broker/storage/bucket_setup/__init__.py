"""Configure the bucket from the settings, changing only what differs.

An operator runs this, with a separate client: the API's own client is not allowed to change a
bucket's configuration. Rules that the broker did not create stay as they are.
"""

from broker.storage.bucket_setup.step import Outcome, Step
from broker.storage.bucket_setup.steps import apply

__all__ = ["Outcome", "Step", "apply"]
