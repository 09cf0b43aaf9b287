"""A bucket set up as code: what it has is compared with what the settings say, and only what
differs is changed.

Run by an operator, with a client of its own: the API's client may do none of this. What else
the operator has in the bucket's configuration stays as it is.
"""

from broker.storage.bucket_setup.steps import Outcome, Step, apply

__all__ = ["Outcome", "Step", "apply"]
