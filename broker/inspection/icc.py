"""ICC profiles (ICC.1, section 7): which are kept."""

# The profiles of printing presses are about 2 MiB, those of cameras and displays a few kB.
MAX_PROFILE = 4 * 1024 * 1024
_HEADER = 128


def usable_profile(profile: bytes) -> bytes | None:
    """Return a profile without bytes after its end, or None if it is no profile."""
    size = int.from_bytes(profile[:4], "big")
    if profile[36:40] != b"acsp" or not _HEADER < size <= min(len(profile), MAX_PROFILE):
        return None
    return profile[:size]
