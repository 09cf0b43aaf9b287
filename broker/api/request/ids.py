"""Ids of users, ads and images in paths: 64-bit integers from 1, in decimal digits."""

from typing import Any

from flask import Flask
from werkzeug.routing import IntegerConverter

ID_MAX = 2**63 - 1


def _up_to(number: int) -> str:
    """Return a regular expression for the integers from 1 to `number`, without leading zeros."""
    digits = str(number)
    found = [digits, f"[1-9][0-9]{{0,{len(digits) - 2}}}"]
    for place, digit in enumerate(digits):
        lowest = int(place == 0)
        if int(digit) > lowest:
            rest = len(digits) - place - 1
            found.append(f"{digits[:place]}[{lowest}-{int(digit) - 1}][0-9]{{{rest}}}")
    return "|".join(found)


class IdConverter(IntegerConverter):
    r"""The converter of `<id:ad_id>`.

    Werkzeug's IntegerConverter with a maximum answers 405 to `DELETE /api/ads/0/`: the path matches
    its expression and is refused later. Its `\d` also matches digits of other scripts.
    """

    regex = _up_to(ID_MAX)

    def __init__(self, url_map: Any) -> None:
        super().__init__(url_map, min=1, max=ID_MAX)


def init_app(app: Flask) -> None:
    """Register the URL converter."""
    app.url_map.converters["id"] = IdConverter
