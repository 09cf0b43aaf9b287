"""The kinds of uploads in a history."""

# Transport, pinned or not, open size or not, number of parts.
FORM, LOOSE, OPEN = ("post", True, False, 1), ("post", False, False, 1), ("post", False, True, 1)
PUT, LOOSE_PUT = ("put", True, False, 1), ("put", False, False, 1)
PART, PARTS = ("multipart", True, False, 1), ("multipart", True, False, 2)
Kind = tuple[str, bool, bool, int]
