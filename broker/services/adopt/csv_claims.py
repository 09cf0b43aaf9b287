"""The CSV of `broker adopt`. The whole file is checked before anything is recorded."""

import csv
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from broker.domain.adoption import Claim
from broker.domain.decoration import ALT_TEXT_MAX, ORDER_MAX, clean_line
from broker.domain.errors import InvalidReport
from broker.domain.limits import Limits
from broker.domain.object_keys import KEY_MAX, relative_of_published
from broker.services.reconcile.external_sort import ExternalSort

HEADER = ["key", "alt_text", "order"]
FAULTS_SHOWN = 10


@contextmanager
def claims_of_csv(path: Path, limits: Limits) -> Iterator[Iterator[Claim]]:
    """Yield a file's claims, sorted by key. Keys may start with the location.

    Raises:
        InvalidReport: the file has faults. The message lists the first ones with line numbers.
    """
    with ExternalSort(4) as lines:
        faults: list[str] = []
        lines.add(_checked(path, limits, faults))
        last, first_line = None, 0
        for key, line, _alt_text, _order in lines:
            if key == last:
                faults.append(f"line {line}: its key is also on line {first_line}")
            else:
                last, first_line = key, line
            if len(faults) > FAULTS_SHOWN:
                break
        if faults:
            more = "\n…" if len(faults) > FAULTS_SHOWN else ""
            shown = "\n".join(faults[:FAULTS_SHOWN])
            raise InvalidReport(f"{path} has faults; nothing was recorded:\n{shown}{more}")
        yield (
            Claim(key=key, alt_text=alt_text, order=order) for key, _line, alt_text, order in lines
        )


def _checked(path: Path, limits: Limits, faults: list[str]) -> Iterator[tuple[str, int, str, int]]:
    """Yield key, line, alt_text and order of the valid lines; stop after too many faults."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.reader(stream, strict=True)
            if (header := next(reader, [])) != HEADER:
                faults.append(
                    f"line 1: the header must be {','.join(HEADER)}, not {','.join(header)}"
                )
                return
            for fields in reader:
                fault = _fault(fields, limits)
                if fault is None:
                    key = relative_of_published(limits, fields[0]) or fields[0]
                    yield key, reader.line_num, clean_line(fields[1]), int(fields[2] or 0)
                else:
                    faults.append(f"line {reader.line_num}: {fault}")
                    if len(faults) > FAULTS_SHOWN:
                        return
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InvalidReport(f"{path} cannot be read: {error}.") from error


def _fault(fields: list[str], limits: Limits) -> str | None:
    """Return what is wrong with a line; None if it is valid."""
    if len(fields) != len(HEADER):
        return f"{len(fields)} columns instead of {len(HEADER)}"
    key, alt_text, order = relative_of_published(limits, fields[0]) or fields[0], *fields[1:]
    if limits.profiles.of_key(key) is None or len(key) > KEY_MAX or not _is_plain(key):
        return "key must name an owner, like ads/ad_1/main.jpg"
    if len(clean_line(alt_text)) > ALT_TEXT_MAX:
        return f"alt_text must have at most {ALT_TEXT_MAX} characters"
    if order and not (order.isascii() and order.isdigit() and int(order) <= ORDER_MAX):
        return f"order must be a number from 0 to {ORDER_MAX}"
    return None


def _is_plain(text: str) -> bool:
    return not any(unicodedata.category(character) == "Cc" for character in text)
