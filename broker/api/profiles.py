"""`/api/profiles/`."""

from typing import Any

from broker.api.auth import accepts_token
from broker.api.context import current
from broker.api.parsing import Blueprint
from broker.domain.media_types import EXTENSIONS
from broker.domain.owners import OWNER_KINDS
from broker.domain.transports import Transport
from schemas import profiles

blueprint = Blueprint(
    "profiles",
    __name__,
    url_prefix="/api/profiles",
    description="What may be uploaded where, to be read before a ticket is asked for.",
)


@blueprint.route("/", methods=["GET"], strict_slashes=False)
@accepts_token
@blueprint.response(200, profiles.Profiles)
def get_profiles() -> dict[str, Any]:
    """Read what may be uploaded where."""
    rules = current().rules
    return {
        kind.purpose: {
            "content_types": list(EXTENSIONS),
            "max_bytes": kind.max_bytes(rules),
            "max_count": kind.max_count(rules),
            "ticket_ttl": rules.ticket_ttl,
            "checksum_required": rules.require_checksum,
            "transports": list(Transport),
            "default_transport": rules.default_transport,
            "multipart_threshold": rules.multipart_threshold,
            "part_size": rules.part_size,
        }
        for kind in OWNER_KINDS.values()
    }
