"""TOML with the line of each section and key, which `tomllib` does not tell."""

import re
import tomllib
from typing import Any

# `tomllib` writes the place of an error at the end of its message.
_PLACE = re.compile(r" \(at (?:line (?P<line>[0-9]+), column [0-9]+|end of document)\)$")
_UNREADABLE = (ValueError, RecursionError)  # also TOMLDecodeError, and integers of 5 000 digits


class TomlError(Exception):
    """A text is not TOML.

    Attributes:
        line: the line of the error, from 1.
    """

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


def decode(content: bytes) -> str:
    """Return the text of a TOML file, without carriage returns at the ends of lines.

    Raises:
        TomlError: it is not UTF-8.
    """
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise TomlError(line, "is not UTF-8 text") from None


def parse(text: str) -> dict[str, Any]:
    """Return the values of a TOML text.

    Raises:
        TomlError: it is not TOML.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = _PLACE.search(str(error))
        line = place["line"] if place else None
        last = text.rstrip("\n").count("\n") + 1
        raise TomlError(int(line) if line else last, _PLACE.sub("", str(error))) from None
    except _UNREADABLE:
        raise TomlError(1, "has a number with too many digits, or too many brackets") from None


def lines_of(text: str) -> dict[tuple[str, ...], int]:
    """Return the first line of each section `(name,)` and of each key `(name, key)`.

    Each statement of a TOML text is one, too. So `tomllib` itself finds where it ends, and reads
    its quoted and dotted keys.

    Args:
        text: a text that `parse` accepts.
    """
    found: dict[tuple[str, ...], int] = {}
    section: tuple[str, ...] = ()
    statement, first = "", 1
    for number, line in enumerate(text.split("\n"), start=1):
        statement += line + "\n"
        try:
            values = tomllib.loads(statement)
        except _UNREADABLE:
            continue  # a text or list goes on in the next line
        if statement.lstrip().startswith("["):
            section = _header(values)
            _note(found, section, first)
        else:
            for path in _keys(values):
                _note(found, (*section, *path), first)
        statement, first = "", number + 1
    return found


def _note(found: dict[tuple[str, ...], int], path: tuple[str, ...], line: int) -> None:
    for length in (1, 2):
        found.setdefault(path[:length], line)


def _header(values: dict[str, Any]) -> tuple[str, ...]:
    """Return the names of `[a.b]`, which is read as `{"a": {"b": {}}}`."""
    path: list[str] = []
    below: Any = values
    while below and isinstance(below, dict):  # `[[a]]` ends with a list
        ((name, below),) = below.items()
        path.append(name)
    return tuple(path)


def _keys(values: dict[str, Any]) -> list[tuple[str, ...]]:
    """Return the keys of a statement: `a`, or `a.b` if it is dotted or an inline table."""
    paths: list[tuple[str, ...]] = []
    for key, value in values.items():
        below = value if isinstance(value, dict) else {}
        paths += [(key, name) for name in below] or [(key,)]
    return paths
