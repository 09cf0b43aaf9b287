"""Ids of users, ads and images in paths: the decimal digits of a 64-bit integer from 1."""

from typing import Any

from flask import Flask
from werkzeug.routing import IntegerConverter

ID_MAX = 2**63 - 1


def _up_to(number: int) -> str:
    """Give a regular expression of the decimals from 1 to `number`, without leading zeros."""
    digits = str(number)
    found = [digits, f"[1-9][0-9]{{0,{len(digits) - 2}}}"]
    for place, digit in enumerate(digits):
        lowest = int(place == 0)
        if int(digit) > lowest:
            rest = len(digits) - place - 1
            found.append(f"{digits[:place]}[{lowest}-{int(digit) - 1}][0-9]{{{rest}}}")
    return "|".join(found)


class IdConverter(IntegerConverter):
    """`<id:ad_id>`.

    Werkzeug's own, with a maximum, answers 405 to `DELETE /api/ads/0/`: what matches the
    expression and is refused afterwards counts as a path that another method has. Its `\\d`
    takes every script's digits, too.
    """

    regex = _up_to(ID_MAX)

    def __init__(self, url_map: Any) -> None:
        super().__init__(url_map, min=1, max=ID_MAX)


def init_app(app: Flask) -> None:
    """Make the converter known to routes."""
    app.url_map.converters["id"] = IdConverter
