"""The file of profiles (BROKER_PROFILES_FILE): read, merged with the defaults, and checked."""

from collections.abc import Mapping
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from broker.config import toml_lines
from broker.config.profile_rules import overlaps, together
from broker.config.profile_section import Section, quoted
from broker.domain.limits import Limits
from broker.domain.profiles import (
    AD,
    PRIVATE_CACHE_CONTROL,
    PROFILE_NAME,
    USER,
    Owners,
    Profile,
    Visibility,
)

DEFAULT_MAX_BYTES = 64 * 1024 * 1024
REQUIRED = ("prefix", "content_types")
# The rows of ads and users have these kinds of owners.
RESERVED = (AD, USER)
# What other keys must be depends on the four that are not here. If one of those is wrong, only the
# values are checked.
_DEPENDENT = Section.model_fields.keys() - {"owners", "visibility", "inspection", "keeps_one"}

# An error: the section and perhaps the key, and the message.
_Fault = tuple[tuple[str, ...], str]


class ProfilesError(ValueError):
    """The file is invalid. The message has a line for each error: `FILE:LINE: NAME: message`."""


def load_profiles(path: Path, limits: Limits) -> tuple[Profile, ...]:
    """Return the profiles of a file. Keys that it leaves out have their defaults.

    Args:
        path: the TOML file.
        limits: the defaults, and the built-in profiles.

    Raises:
        ProfilesError: the file cannot be read or is invalid.
    """
    try:
        text = toml_lines.decode(path.read_bytes())
        sections = toml_lines.parse(text)
    except OSError as error:
        raise ProfilesError(f"BROKER_PROFILES_FILE: {path}: {error.strerror}") from None
    except toml_lines.TomlError as error:
        raise ProfilesError(f"{path}:{error.line}: {error}") from None
    declared: dict[str, Profile] = {}
    faults: list[_Fault] = []
    for name, keys in sections.items():
        profile, found = _profile(name, keys, limits)
        faults += found
        if profile is not None:
            declared[name] = profile
    with_prefix = [profile for profile in declared.values() if profile.prefix]
    others = [profile for profile in limits.profiles if profile.name not in declared]
    faults += [((name, "prefix"), words) for name, words in overlaps(with_prefix, others)]
    if faults:
        raise ProfilesError(_report(path, faults, toml_lines.lines_of(text)))
    return tuple(declared.values())


def _report(path: Path, faults: list[_Fault], lines: Mapping[tuple[str, ...], int]) -> str:
    found = []
    for names, message in faults:
        # A missing key, or one of an overlapping built-in profile, has the line of its section.
        line = lines.get(names) or lines.get(names[:1], 1)
        found.append((line, f"{path}:{line}: {'.'.join(map(_shown, names))}: {message}"))
    found.sort(key=lambda one: one[0])
    return "\n".join(dict.fromkeys(words for _, words in found))


def _shown(name: str) -> str:
    return name if PROFILE_NAME.fullmatch(name) else quoted(name)


def _profile(name: str, keys: object, limits: Limits) -> tuple[Profile | None, list[_Fault]]:
    """Return the profile of a section, or None without a valid name; and the errors."""
    if not isinstance(keys, dict):
        return None, [((name,), "must be one section with keys: a line [name] before them")]
    if not PROFILE_NAME.fullmatch(name) or name in RESERVED:
        return None, [
            (
                (name,),
                "is not a name of a profile: 1 to 32 characters of a-z, 0-9 and _, the first a "
                f"letter, and not {' or '.join(RESERVED)}",
            )
        ]
    built_in = limits.profiles.named(name)
    section, wrong = _read(keys, required=() if built_in else REQUIRED)
    base = built_in or _declared(name, limits)
    profile = _merged(base, section, inspects=limits.inspects)
    if all(key in _DEPENDENT for key, _ in wrong):
        wrong += together(
            profile,
            section,
            base=base,
            is_built_in=built_in is not None,
            inspects=limits.inspects,
        )
    return profile, [((name, key), message) for key, message in wrong]


def _read(keys: dict[str, Any], required: tuple[str, ...]) -> tuple[Section, list[tuple[str, str]]]:
    """Return the valid keys of a section, and the key and message of each error."""
    wrong: list[tuple[str, str]] = []
    meant = set()
    for key in [key for key in keys if key not in Section.model_fields]:
        near = get_close_matches(key, Section.model_fields, n=1)
        meant.update(near)
        proposal = f"; did you mean {near[0]}?" if near else ""
        wrong.append((key, f"is not a key of a profile{proposal}"))
    known = {key: value for key, value in keys.items() if key in Section.model_fields}
    wrong += [(key, "is required") for key in required if key not in known and key not in meant]
    try:
        return Section.model_validate(known), wrong
    except ValidationError as error:
        faults = error.errors(include_input=False, include_url=False)
    wrong += [(str(one["loc"][0]), one["msg"].removeprefix("Value error, ")) for one in faults]
    refused = {one["loc"][0] for one in faults}
    rest = {key: value for key, value in known.items() if key not in refused}
    return Section.model_validate(rest), wrong


def _declared(name: str, limits: Limits) -> Profile:
    """Return the defaults of a profile that is not built in."""
    return Profile(
        name=name,
        owner_kind=name,
        prefix="",
        content_types=(),
        max_bytes=DEFAULT_MAX_BYTES,
        max_pixels=limits.max_pixels,
        max_frames=limits.max_frames,
        cache_control=limits.cache_control,
        ticket_ttl=limits.ticket_ttl,
        put_ttl=limits.put_ttl,
        multipart_ttl=limits.multipart_ttl,
    )


def _merged(base: Profile, section: Section, *, inspects: bool) -> Profile:
    """Return the profile with the keys of its section, and with what they imply."""
    values = section.model_dump(exclude_none=True)
    inspection = values.pop("inspection", "required")
    if "owners" in values:
        values["owners"] = Owners(values["owners"])
    if "visibility" in values:
        values["visibility"] = Visibility(values["visibility"])
    if "variants" in values:
        values["variant_widths"] = values.pop("variants")
    profile = replace(base, **values, is_inspected=inspects and inspection == "required")
    if profile.is_private:
        profile = replace(profile, cache_control=PRIVATE_CACHE_CONTROL)
    if profile.keeps_one:
        profile = replace(profile, max_count=1)
    return profile if inspection == "required" else replace(profile, variant_widths=())
