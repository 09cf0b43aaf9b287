"""Which content types a profile may accept for files that no worker inspects.

Browsers run scripts in some documents, so these are refused even though private files are always
served as attachments. The image types are in `media_types.py`.
"""

import re

CONTENT_TYPE_MAX = 127
# RFC 6838, section 4.2, in lower case and without parameters.
_NAME = r"[a-z0-9][a-z0-9!#$&^_.+-]*"
_FORM = re.compile(rf"{_NAME}/{_NAME}")
_WORDS = re.compile(r"[a-z0-9]+")
# Whole words of a subtype, so that the `openxmlformats` of Office documents are accepted.
_MARKUP = frozenset({"hta", "html", "mathml", "svg", "xhtml", "xml", "xsl", "xslt"})
# Browsers know `text/javascript1.5`, `text/x-ecmascript` and others.
_SCRIPT = re.compile("javascript|ecmascript|jscript|livescript|vbscript")
# Containers of HTML: MHTML, e-mail, and parts that replace each other.
_CONTAINERS = ("message/", "multipart/")
_OTHER = frozenset(
    {
        "application/x-mimearchive",  # MHTML
        "application/unknown",  # browsers guess these two from the bytes (WHATWG MIME Sniffing)
        "unknown/unknown",
        "text/x-component",  # HTML with scripts, of Internet Explorer
        "text/x-scriptlet",
    }
)


def is_content_type(text: str) -> bool:
    """Check whether a text is a content type in lower case, without parameters and wildcards."""
    return len(text) <= CONTENT_TYPE_MAX and _FORM.fullmatch(text) is not None


def may_run(content_type: str) -> bool:
    """Check whether browsers may run scripts in a file of this type: HTML, SVG, XML, JavaScript."""
    subtype = content_type.partition("/")[2]
    return (
        content_type in _OTHER
        or content_type.startswith(_CONTAINERS)
        or not _MARKUP.isdisjoint(_WORDS.findall(subtype))
        or _SCRIPT.search(subtype) is not None
    )
