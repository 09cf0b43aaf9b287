"""Files of profiles that must stop the start, each with the lines and names of its errors."""

# A complete section; `{}` takes another line of it.
PHOTO = '[photo]\nprefix = "photos/{owner}/"\ncontent_types = ["image/jpeg"]\n'
PAPER = (
    '[paper]\nprefix = "papers/{owner}/"\ncontent_types = ["application/pdf"]\n'
    'visibility = "private"\ninspection = "off"\n'
)


def _prefix(value: str) -> str:
    return f'[photo]\ncontent_types = ["image/jpeg"]\nprefix = {value}\n'


def _types(value: str) -> str:
    return f'[paper]\nprefix = "papers/{{owner}}/"\nvisibility = "private"\ninspection = "off"\n\
content_types = {value}\n'


# The text; the line, the name and a part of the message of each error.
BROKEN: list[tuple[str, list[tuple[int, str, str]]]] = [
    # What is no TOML.
    ("[photo\n", [(1, "", "Expected")]),
    ("\n[photo]\nprefix = \n", [(3, "", "Invalid value")]),
    ('[photo]\n\nprefix = "a\n', [(3, "", "Illegal character")]),
    ('[photo]\nprefix = """a\n\n', [(2, "", "Unterminated string")]),
    ("[photo]\nmax_bytes = 1\nmax_bytes = 2\n", [(3, "", "Cannot overwrite a value")]),
    ("[photo]\n[photo]\n", [(2, "", "Cannot declare")]),
    ("[photo]\nmax_bytes = " + "9" * 5000 + "\n", [(1, "", "too many digits")]),
    ("[photo]\nvariants = " + "[" * 5000 + "\n", [(1, "", "too many brackets")]),
    # What is no section.
    ("\nphoto = 1\n", [(2, "photo", "must be one section")]),
    ("[[photo]]\n", [(1, "photo", "must be one section")]),
    (
        "[ad_image]\n\n[[photo]]\nput_ttl = 0\n[[photo]]\n[avatar]\nput_ttl = 0\n",
        [(3, "photo", "must be one section"), (7, "avatar.put_ttl", "greater than")],
    ),
    ('# photos\n\n"photo" = "x"\n', [(3, "photo", "must be one section")]),
    # Names.
    ("[Photo]\n", [(1, "Photo", "is not a name")]),
    ("\n[product-image]\n", [(2, "product-image", "is not a name")]),
    ("[ad]\n", [(1, "ad", "is not a name")]),
    ("[user]\n", [(1, "user", "is not a name")]),
    ("[1st]\n", [(1, "1st", "is not a name")]),
    (f"[{'p' * 33}]\n", [(1, "p" * 33, "is not a name")]),
    ('["a\\nb"]\n', [(1, "a\\nb", "is not a name")]),
    ('["\\u2028"]\n', [(1, "\\u2028", "is not a name")]),
    ('[""]\n', [(1, "", "is not a name")]),
    # Keys.
    ("[photo]\n", [(1, "photo.prefix", "is required"), (1, "photo.content_types", "is required")]),
    (PHOTO + "max_byte = 1\n", [(4, "photo.max_byte", "did you mean max_bytes?")]),
    (PHOTO + "colour = 1\n", [(4, "photo.colour", "is not a key of a profile")]),
    (PHOTO + "has_integer_owners = true\n", [(4, "photo.has_integer_owners", "is not a key")]),
    (
        PHOTO.replace("prefix", "prefx"),
        [(2, "photo.prefx", "did you mean prefix?")],
    ),
    (PHOTO + "[photo.limits]\nmax_bytes = 1\n", [(4, "photo.limits", "is not a key")]),
    (PHOTO + '"max bytes" = 1\n', [(4, "photo.max bytes", "did you mean max_bytes?")]),
    (PHOTO + "\n[photo.max_bytes]\n", [(5, "photo.max_bytes", "Input should be a valid integer")]),
    # Owners.
    (PHOTO + 'owners = "table"\n', [(4, "photo.owners", 'must be "token"')]),
    ('[ad_image]\nowners = "grants"\n', [(2, "ad_image.owners", "'table' or 'token'")]),
    ("[avatar]\nowners = true\n", [(2, "avatar.owners", "'table' or 'token'")]),
    # Prefixes.
    (_prefix("1"), [(3, "photo.prefix", "valid string")]),
    (_prefix('""'), [(3, "photo.prefix", "must be a folder")]),
    (_prefix('"photos/"'), [(3, "photo.prefix", "must be a folder")]),
    (_prefix('"{owner}/"'), [(3, "photo.prefix", "must be a folder")]),
    (_prefix('"photos/{owner}"'), [(3, "photo.prefix", "must be a folder")]),
    (_prefix('"/photos/{owner}/"'), [(3, "photo.prefix", "must be a folder")]),
    (_prefix('"photos//{owner}/"'), [(3, "photo.prefix", "must be a folder")]),
    (_prefix('"photos/../{owner}/"'), [(3, "photo.prefix", "must be a folder")]),
    (_prefix('"Photos/{owner}/"'), [(3, "photo.prefix", "must be a folder")]),
    (_prefix('"photos/{owner}/{owner}/"'), [(3, "photo.prefix", "must be a folder")]),
    (_prefix('"photos/{owner}/raw/"'), [(3, "photo.prefix", "must be a folder")]),
    (_prefix('"photos/{id}/"'), [(3, "photo.prefix", "must be a folder")]),
    (_prefix('"photos/{owner}/\\n"'), [(3, "photo.prefix", "must be a folder")]),
    (_prefix(f'"{"p" * 100}/{{owner}}/"'), [(3, "photo.prefix", "at most 100 characters")]),
    (_prefix('"incoming/{owner}/"'), [(3, "photo.prefix", "must not begin with incoming/")]),
    (_prefix('"private/a_{owner}/"'), [(3, "photo.prefix", "must not begin with")]),
    (_prefix('"ads/ad_{owner}/"'), [(3, "photo.prefix", "overlaps with the prefix of ad_image")]),
    (_prefix('"ads/{owner}/"'), [(3, "photo.prefix", "overlaps with the prefix of ad_image")]),
    (
        _prefix('"avatars/user_old_{owner}/"'),
        [(3, "photo.prefix", "overlaps with the prefix of avatar")],
    ),
    (
        PHOTO + PHOTO.replace("[photo]", "[photo_b]"),
        [(5, "photo_b.prefix", "overlaps with the prefix of photo")],
    ),
    (
        '[avatar]\nprefix = "ads/{owner}/"\n',
        [(2, "avatar.prefix", "overlaps with the prefix of ad_image")],
    ),
    # Content types.
    (_types("1"), [(5, "paper.content_types", "must be a list")]),
    (_types('"image/jpeg"'), [(5, "paper.content_types", "must be a list")]),
    (_types("[]"), [(5, "paper.content_types", "at least 1 item")]),
    (_types("[1]"), [(5, "paper.content_types", "valid string")]),
    (_types('["pdf"]'), [(5, "paper.content_types", '"pdf" must be a content type')]),
    (_types('["image/*"]'), [(5, "paper.content_types", '"image/*" must be a content type')]),
    (_types('["Image/JPEG"]'), [(5, "paper.content_types", "in lower case")]),
    (_types('["text/plain; charset=utf-8"]'), [(5, "paper.content_types", "without parameters")]),
    (_types(f'["text/{"p" * 123}"]'), [(5, "paper.content_types", "must be a content type")]),
    (_types('["image/jpg"]'), [(5, "paper.content_types", 'write "image/jpeg"')]),
    (_types('["audio/x-wav"]'), [(5, "paper.content_types", 'write "audio/wav"')]),
    (
        _types('["text/plain", "text/plain"]'),
        [(5, "paper.content_types", '"text/plain" must not be repeated')],
    ),
    (
        _types('[\n  "text/html",\n  "image/svg+xml",\n]'),
        [
            (5, "paper.content_types", '"text/html" is refused'),
            (5, "paper.content_types", '"image/svg+xml" is refused'),
        ],
    ),
    (
        PHOTO.replace("image/jpeg", "application/pdf"),
        [(3, "photo.content_types", "a public profile accepts only image/jpeg")],
    ),
    (
        PAPER.replace('inspection = "off"\n', ""),
        [(3, "paper.content_types", 'set inspection = "off"')],
    ),
    # Sizes.
    (PHOTO + "max_bytes = 0\n", [(4, "photo.max_bytes", "greater than or equal to 1")]),
    (PHOTO + "max_bytes = -1\n", [(4, "photo.max_bytes", "greater than or equal to 1")]),
    (PHOTO + "max_bytes = 1.5\n", [(4, "photo.max_bytes", "valid integer")]),
    (PHOTO + "max_bytes = true\n", [(4, "photo.max_bytes", "valid integer")]),
    (PHOTO + "max_bytes = nan\n", [(4, "photo.max_bytes", "valid integer")]),
    (PHOTO + "max_bytes = 99_999_999_999_999\n", [(4, "photo.max_bytes", "less than or equal to")]),
    (PHOTO + 'max_bytes = "64"\n', [(4, "photo.max_bytes", "must be a number of bytes")]),
    (PHOTO + 'max_bytes = "64 mib"\n', [(4, "photo.max_bytes", "must be a number of bytes")]),
    (PHOTO + 'max_bytes = "1TB"\n', [(4, "photo.max_bytes", "must be a number of bytes")]),
    (PHOTO + 'max_bytes = "-1MB"\n', [(4, "photo.max_bytes", "must be a number of bytes")]),
    (PHOTO + 'max_bytes = "6000GiB"\n', [(4, "photo.max_bytes", "less than or equal to")]),
    (PHOTO + 'max_bytes = "0B"\n', [(4, "photo.max_bytes", "greater than or equal to 1")]),
    # Counts.
    (PHOTO + "max_count = -1\n", [(4, "photo.max_count", "greater than or equal to 0")]),
    (PHOTO + "max_count = 10001\n", [(4, "photo.max_count", "less than or equal to 10000")]),
    (PHOTO + "keeps_one = 1\n", [(4, "photo.keeps_one", "valid boolean")]),
    (PHOTO + "keeps_one = true\nmax_count = 2\n", [(5, "photo.max_count", "must be 1")]),
    ("[avatar]\nmax_count = 2\n", [(2, "avatar.max_count", "must be 1")]),
    ("[avatar]\nkeeps_one = false\n", [(2, "avatar.keeps_one", "cannot be changed")]),
    ("[ad_image]\nkeeps_one = true\n", [(2, "ad_image.keeps_one", "cannot be changed")]),
    # Visibility and inspection.
    (PHOTO + 'visibility = "hidden"\n', [(4, "photo.visibility", "'public' or 'private'")]),
    (PHOTO + 'inspection = "of"\n', [(4, "photo.inspection", "'required' or 'off'")]),
    (PHOTO + 'inspection = "off"\n', [(4, "photo.inspection", 'visibility is "private"')]),
    (PAPER + "variants = [320]\n", [(6, "paper.variants", "must be left out")]),
    (PAPER + 'cache_control = "public"\n', [(6, "paper.cache_control", "must be left out")]),
    # Variants, pixels and frames.
    (PHOTO + "variants = 320\n", [(4, "photo.variants", "must be a list")]),
    (PHOTO + 'variants = "320,800"\n', [(4, "photo.variants", "must be a list")]),
    (PHOTO + 'variants = [320, "800"]\n', [(4, "photo.variants", "valid integer")]),
    (PHOTO + 'variants = ["a", "b"]\n', [(4, "photo.variants", "valid integer")]),
    (PHOTO + "variants = [1]\n", [(4, "photo.variants", "widths of 16 to 4096 pixels")]),
    (PHOTO + "max_pixels = 0\n", [(4, "photo.max_pixels", "greater than or equal to 1")]),
    (PHOTO + "max_frames = 100001\n", [(4, "photo.max_frames", "less than or equal to 100000")]),
    # Cache-Control and lifetimes.
    (PHOTO + 'cache_control = ""\n', [(4, "photo.cache_control", "at least 1 character")]),
    (PHOTO + 'cache_control = "a\\r\\nb: c"\n', [(4, "photo.cache_control", "must be one line")]),
    (PHOTO + "ticket_ttl = 3601\n", [(4, "photo.ticket_ttl", "less than or equal to 3600")]),
    (PHOTO + "put_ttl = 0\n", [(4, "photo.put_ttl", "greater than or equal to 1")]),
    (PHOTO + "multipart_ttl = 59\n", [(4, "photo.multipart_ttl", "greater than or equal to 60")]),
    (PHOTO + "put_ttl = 2026-01-01\n", [(4, "photo.put_ttl", "valid integer")]),
    # Quoted and dotted keys, and inline tables.
    (PHOTO + '"put_ttl" = 0\n', [(4, "photo.put_ttl", "greater than or equal to 1")]),
    ('"ad_image"."put_ttl" = 0\n', [(1, "ad_image.put_ttl", "greater than or equal to 1")]),
    ("ad_image.max_count=1\nad_image.put_ttl=0\n", [(2, "ad_image.put_ttl", "greater than")]),
    ("\nad_image = {put_ttl = 0}\n", [(2, "ad_image.put_ttl", "greater than or equal to 1")]),
    (PHOTO + "put_ttl.seconds = 1\n", [(4, "photo.put_ttl", "valid integer")]),
    (
        '[ad_image]\ncache_control = """\n[x]\n"""\nput_ttl = 0\n',
        [(2, "ad_image.cache_control", ""), (5, "ad_image.put_ttl", "")],
    ),
    # Several at once, in the order of their lines.
    (
        '[photo]\nprefix = "photos/{owner}/"\nvisible = "private"\n'
        'content_types = ["application/pdf"]\nmax_count = "many"\n\n[ad_image]\nput_ttl = 0\n'
        "colour = 1\n",
        [
            (3, "photo.visible", "did you mean visibility?"),
            (5, "photo.max_count", "valid integer"),
            (8, "ad_image.put_ttl", "greater than or equal to 1"),
            (9, "ad_image.colour", "is not a key"),
        ],
    ),
]
