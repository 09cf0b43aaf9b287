"""What the keys of a profile must be together, and the profiles to each other."""

from collections.abc import Iterable, Iterator

from broker.config.profile_section import Section, quoted
from broker.domain.media_types import EXTENSIONS
from broker.domain.profiles import PRIVATE_CACHE_CONTROL, Profile


def together(
    profile: Profile, section: Section, *, base: Profile, is_built_in: bool, inspects: bool
) -> Iterator[tuple[str, str]]:
    """Yield the key and the message of each error.

    Args:
        profile: the section and the defaults.
        section: the keys that the file has.
        base: the defaults.
        is_built_in: the profile is `ad_image` or `avatar`.
        inspects: BROKER_INSPECTION is required.
    """
    if not is_built_in and section.owners == "table":
        yield "owners", 'must be "token"; only ad_image and avatar may say "table"'
    if is_built_in and section.keeps_one not in (None, base.keeps_one):
        yield "keeps_one", f"cannot be changed for {profile.name}; declare another profile"
    if profile.keeps_one and section.max_count not in (None, 1):
        yield "max_count", "must be 1 or left out, because keeps_one is true"
    if profile.is_private and section.cache_control not in (None, PRIVATE_CACHE_CONTROL):
        yield "cache_control", f'must be left out: a private profile has "{PRIVATE_CACHE_CONTROL}"'
    if section.inspection == "required" and not inspects:
        yield "inspection", 'must be "off" or left out, because BROKER_INSPECTION is off'
    if section.inspection == "off" and section.variants:
        yield "variants", 'must be left out, because inspection is "off"'
    if section.inspection == "off" and inspects and not profile.is_private:
        yield "inspection", 'may be "off" only if visibility is "private"'
    else:
        for content_type in profile.content_types:
            refusal = _refusal(profile, content_type)
            if refusal is not None:
                yield "content_types", f"{quoted(content_type)} {refusal}"


def _refusal(profile: Profile, content_type: str) -> str | None:
    if content_type in EXTENSIONS:
        return None
    if not profile.is_private:
        return f"is not an image type; a public profile accepts only {', '.join(EXTENSIONS)}"
    if profile.is_inspected:
        return 'is not an image type, and only images are inspected; set inspection = "off"'
    return None


def overlaps(declared: Iterable[Profile], others: Iterable[Profile]) -> Iterator[tuple[str, str]]:
    """Yield the name of each declared profile with an overlapping prefix, and the message.

    Otherwise a key could belong to two profiles.
    """
    before = list(others)
    for profile in declared:
        for other in before:
            if profile.prefix.startswith(other.prefix) or other.prefix.startswith(profile.prefix):
                yield profile.name, f"overlaps with the prefix of {other.name}"
        before.append(profile)
