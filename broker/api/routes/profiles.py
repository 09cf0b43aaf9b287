"""Upload profiles: `/api/profiles/`."""

from typing import Any

from broker.api.auth.tokens import accepts_token
from broker.api.request.context import current
from broker.api.request.parsing import Blueprint
from broker.api.request.view_marks import public_read
from broker.domain.limits import Limits
from broker.domain.profiles import Profile
from schemas import profiles

blueprint = Blueprint(
    "profiles",
    __name__,
    url_prefix="/api/profiles",
    description="The limits of uploads, to check before requesting a ticket.",
)


@blueprint.route("/", methods=["GET"], strict_slashes=False)
@public_read
@accepts_token
@blueprint.response(200, profiles.Profiles)
def get_profiles() -> dict[str, Any]:
    """Read the limits of uploads, by the name of the profile."""
    limits = current().limits
    return {profile.name: _shape(limits, profile) for profile in limits.profiles}


def _shape(limits: Limits, profile: Profile) -> dict[str, Any]:
    return {
        "prefix": profile.prefix,
        "owners": profile.owners,
        "users_create_owners": profile.users_create_owners and not profile.is_by_token,
        "visibility": profile.visibility,
        "content_types": list(profile.content_types),
        "max_bytes": profile.max_bytes,
        "max_count": profile.max_count,
        "keeps_one": profile.keeps_one,
        "ticket_ttl": profile.ticket_ttl,
        "put_ttl": profile.put_ttl,
        "multipart_ttl": profile.multipart_ttl,
        "cache_control": profile.cache_control,
        "checksum_required": limits.require_checksum,
        "transports": list(limits.server.transports),
        "default_transport": limits.default_transport,
        "multipart_threshold": limits.multipart_threshold,
        "part_size": limits.part_size,
        "inspection": "required" if profile.is_inspected else "off",
        "max_pixels": profile.max_pixels,
        "max_frames": profile.max_frames,
        "variant_widths": list(profile.variant_widths) if profile.is_inspected else [],
    }
