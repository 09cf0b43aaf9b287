"""ICC profiles (ICC.1, section 7): which are kept, and what of them."""

# The profiles of printing presses are about 2 MiB, those of cameras and displays a few kB.
MAX_PROFILE = 4 * 1024 * 1024
_HEADER = 128
_PROFILE_ID = slice(84, 100)
_TABLE = _HEADER + 4
_ENTRY = 12
_MAX_TAGS = 100  # as in Little CMS
# What converts colours, and the two texts that every profile must have. macOS puts the profile of
# the display into screenshots; there the tag `mmod` has the display's serial number.
_KEPT = frozenset(
    b"rXYZ gXYZ bXYZ rTRC gTRC bTRC kTRC wtpt bkpt chad chrm lumi cicp gamt"
    b" A2B0 A2B1 A2B2 A2B3 B2A0 B2A1 B2A2 B2A3 D2B0 D2B1 D2B2 D2B3 B2D0 B2D1 B2D2 B2D3"
    b" pre0 pre1 pre2 rig0 rig2 desc cprt".split()
)


def usable_profile(profile: bytes) -> bytes | None:
    """Return a profile with what converts colours, or None if it is no profile.

    Other tags, and bytes that belong to no tag, are zero. Bytes after its end are left out.
    """
    size = int.from_bytes(profile[:4], "big")
    if profile[36:40] != b"acsp" or not _TABLE <= size <= min(len(profile), MAX_PROFILE):
        return None
    count = int.from_bytes(profile[_HEADER:_TABLE], "big")
    end_of_table = _TABLE + _ENTRY * count
    if count > _MAX_TAGS or end_of_table > size:
        return None
    kept = bytearray(size)
    entries = []
    for at in range(_TABLE, end_of_table, _ENTRY):
        start, length = (int.from_bytes(profile[at + part : at + part + 4]) for part in (4, 8))
        end = start + length
        if profile[at : at + 4] in _KEPT and end_of_table <= start and end <= size:
            entries.append(profile[at : at + _ENTRY])
            kept[start:end] = profile[start:end]
    kept[:_HEADER] = profile[:_HEADER]
    if len(entries) < count:
        kept[_PROFILE_ID] = bytes(16)  # It is a digest; zero if there is none.
    kept[_HEADER:_TABLE] = len(entries).to_bytes(4, "big")
    kept[_TABLE : _TABLE + _ENTRY * len(entries)] = b"".join(entries)
    return bytes(kept)
