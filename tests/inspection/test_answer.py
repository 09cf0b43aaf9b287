"""What the parent accepts from a child process that may have been taken over."""

import base64
import copy
import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from broker.domain.rejections import RejectionReason
from broker.inspection.answer import InvalidAnswer, read_inspected
from broker.inspection.inspected import Rejected, Request

TEXT = b"bytes of an image"


@pytest.fixture
def request_(tmp_path: Path) -> Request:
    directory = tmp_path / "out"
    directory.mkdir()
    for name in ("image.jpg", "w320.webp", "w800.webp"):
        (directory / name).write_bytes(TEXT)
    return Request(
        source=tmp_path / "source",
        directory=directory,
        content_type="image/jpeg",
        max_pixels=10**6,
        max_frames=300,
        variant_widths=(320, 800),
    )


def _file(name: str, content_type: str, width: int) -> dict[str, Any]:
    return {
        "path": name,
        "content_type": content_type,
        "width": width,
        "height": 600,
        "size": len(TEXT),
        "checksum_sha256": base64.b64encode(hashlib.sha256(TEXT).digest()).decode(),
    }


ANSWER = {
    "image": _file("image.jpg", "image/jpeg", 900),
    "thumbhash": "1QcSHQRnh493V4dIh4eXh1h4kJUI",
    "variants": [_file("w320.webp", "image/webp", 320), _file("w800.webp", "image/webp", 800)],
}


def test_a_possible_answer_is_accepted(request_: Request) -> None:
    inspected = read_inspected(json.dumps({"inspected": ANSWER}).encode(), request_)
    assert inspected.image.path == request_.directory / "image.jpg"
    assert [variant.width for variant in inspected.variants] == [320, 800]


@pytest.mark.parametrize("declared", ["image/heic", "image/heif", "image/avif"])
def test_a_jpeg_may_take_the_place_of_a_format_that_browsers_do_not_show(
    request_: Request, declared: str
) -> None:
    request_ = Request(**{**vars(request_), "content_type": declared})
    read_inspected(json.dumps({"inspected": ANSWER}).encode(), request_)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("image", "path"), "../source"),
        (("image", "path"), "/etc/passwd"),
        (("image", "path"), ".."),
        (("image", "path"), ""),
        (("image", "path"), "image.jpg\0"),
        (("image", "path"), "\ud800.jpg"),
        (("image", "path"), "missing.jpg"),
        (("image", "path"), "w320.webp"),
        (("image", "path"), 7),
        (("image", "content_type"), "text/html"),
        (("image", "content_type"), "image/png"),
        (("image", "content_type"), ["image/jpeg"]),
        (("image", "width"), 0),
        (("image", "width"), -1),
        (("image", "width"), 10**9),
        (("image", "width"), 900.0),
        (("image", "height"), True),
        (("image", "height"), None),
        (("image", "size"), 16),
        (("image", "size"), "17"),
        (("image", "checksum_sha256"), "A" * 44),
        (("image", "checksum_sha256"), None),
        (("image",), None),
        (("thumbhash",), ""),
        (("thumbhash",), "<script>"),
        (("thumbhash",), "A" * 400),
        (("thumbhash",), 7),
        (("variants",), None),
        (("variants",), {}),
        (("variants",), [None]),
        (("variants",), ANSWER["variants"][::-1]),  # type: ignore[index]
        (("variants",), [ANSWER["variants"][0]] * 2),  # type: ignore[index]
        (("variants",), [*ANSWER["variants"], _file("image.jpg", "image/webp", 900)]),
        (("variants", 1, "width"), 901),
        (("variants", 1, "width"), 801),  # nobody asked for it
        (("variants", 1, "content_type"), "image/jpeg"),
        (("variants", 1, "content_type"), "text/html"),
        (("variants", 1, "path"), "w320.webp"),
    ],
)
def test_an_impossible_value_is_not(
    request_: Request, place: tuple[str | int, ...], value: object
) -> None:
    answer: Any = copy.deepcopy(ANSWER)
    inner = answer
    for name in place[:-1]:
        inner = inner[name]
    inner[place[-1]] = value
    with pytest.raises(InvalidAnswer):
        read_inspected(json.dumps({"inspected": answer}).encode(), request_)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\xff",
        b"[]",
        b"{}",
        b"[" * 60_000,
        b'{"inspected": null}',
        b'{"rejected": null}',
        b'{"rejected": {"reason": "no", "detail": ""}}',
        b'{"rejected": {"reason": ["corrupt"], "detail": ""}}',
        b'{"rejected": {"reason": "corrupt", "detail": 7}}',
    ],
)
def test_a_text_that_is_no_answer_is_not_accepted(request_: Request, text: bytes) -> None:
    with pytest.raises(InvalidAnswer):
        read_inspected(text, request_)


def _symlink(path: Path, source: Path) -> None:
    path.symlink_to(source)


def _hard_link(path: Path, source: Path) -> None:
    path.hardlink_to(source)


def _pipe(path: Path, source: Path) -> None:
    os.mkfifo(path)


def _directory(path: Path, source: Path) -> None:
    path.mkdir()


@pytest.mark.parametrize("make", [_symlink, _hard_link, _pipe, _directory])
def test_only_a_regular_file_of_its_own_is_published(
    request_: Request, make: Callable[[Path, Path], None]
) -> None:
    request_.source.write_bytes(TEXT)
    image = request_.directory / "image.jpg"
    image.unlink()
    make(image, request_.source)
    with pytest.raises(InvalidAnswer, match=r"^(file: .*|kind of file)$"):
        read_inspected(json.dumps({"inspected": ANSWER}).encode(), request_)


def test_a_rejection_is_raised_without_control_characters(request_: Request) -> None:
    answer = {"rejected": {"reason": "too_many_pixels", "detail": "50000\n x 50000" + "!" * 400}}
    with pytest.raises(Rejected, match=r"^50000  x 50000!+$") as rejected:
        read_inspected(json.dumps(answer).encode(), request_)
    assert rejected.value.reason is RejectionReason.TOO_MANY_PIXELS
    assert len(str(rejected.value)) == 300
