"""Upload profiles: `/api/profiles/`."""

from typing import Any

from broker.api.auth.tokens import accepts_token
from broker.api.request.context import current
from broker.api.request.parsing import Blueprint
from broker.domain.media_types import EXTENSIONS
from broker.domain.owners import OWNER_KINDS
from broker.domain.transports import POST, TRANSPORTS
from schemas import profiles

blueprint = Blueprint(
    "profiles",
    __name__,
    url_prefix="/api/profiles",
    description="The limits of uploads, to check before requesting a ticket.",
)


@blueprint.route("/", methods=["GET"], strict_slashes=False)
@accepts_token
@blueprint.response(200, profiles.Profiles)
def get_profiles() -> dict[str, Any]:
    """Read the limits of uploads, by purpose."""
    limits = current().limits
    return {
        kind.purpose: {
            "content_types": list(EXTENSIONS),
            "max_bytes": kind.max_bytes(limits),
            "max_count": kind.max_count(limits),
            "ticket_ttl": int(kind.ttl(limits, POST).total_seconds()),
            "checksum_required": limits.require_checksum,
            "transports": list(TRANSPORTS),
            "default_transport": limits.default_transport,
            "multipart_threshold": limits.multipart_threshold,
            "part_size": limits.part_size,
            "inspection": limits.inspection,
            "max_pixels": limits.max_pixels,
            "max_frames": limits.max_frames,
            "variant_widths": list(kind.variant_widths(limits)) if limits.inspects else [],
        }
        for kind in OWNER_KINDS.values()
    }
