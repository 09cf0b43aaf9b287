"""Each hostile file is rejected from its header, or cleaned, at little cost."""

import time
from pathlib import Path

import pytest

from broker.inspection.inspect import inspect
from broker.inspection.inspected import Rejected
from tests.inspection.cleaning import check_and_clean, request
from tests.inspection.hostile import FILES, HostileFile

# Milliseconds of CPU, without writing the file. The bombs inflate to 4 GiB; no more than 4 MiB are
# looked at.
LIMIT = 150
LIMIT_OF_DECODING = 500
REJECTED = {name: file for name, file in FILES.items() if file.reason and file.from_header}
DECODED = {name: file for name, file in FILES.items() if file.reason and not file.from_header}
# The bytes in the data of a scan are found by the decoder: test_jpeg_tail.py.
CLEANED = {
    name: file
    for name, file in FILES.items()
    if file.reason is None and name not in ("jpeg-html-in-data", "progressive-html-in-data")
}


@pytest.mark.parametrize("name", REJECTED)
def test_a_hostile_file_is_rejected_before_decoding(name: str, tmp_path: Path) -> None:
    file = REJECTED[name]
    asked = request(file.make(), file.content_type, tmp_path)
    started = time.process_time()
    with pytest.raises(Rejected) as rejected:
        check_and_clean(asked)
    spent = time.process_time() - started
    assert rejected.value.reason == file.reason
    assert spent * 1000 < LIMIT


@pytest.mark.parametrize("name", CLEANED)
def test_a_hostile_part_is_removed_before_decoding(name: str, tmp_path: Path) -> None:
    file: HostileFile = CLEANED[name]
    data = file.make()
    assert file.needle in data
    asked = request(data, file.content_type, tmp_path)
    started = time.process_time()
    cleaned = check_and_clean(asked).cleaned
    spent = time.process_time() - started
    assert file.needle not in cleaned
    assert spent * 1000 < LIMIT


@pytest.mark.parametrize("name", DECODED)
def test_a_hostile_file_is_rejected_while_it_is_decoded(name: str, tmp_path: Path) -> None:
    file = DECODED[name]
    asked = request(file.make(), file.content_type, tmp_path)
    started = time.process_time()
    with pytest.raises(Rejected) as rejected:
        inspect(asked)
    spent = time.process_time() - started
    assert rejected.value.reason == file.reason
    assert spent * 1000 < LIMIT_OF_DECODING


@pytest.mark.parametrize("name", [name for name, file in FILES.items() if file.reason is None])
def test_a_hostile_part_is_in_no_published_file(name: str, tmp_path: Path) -> None:
    file = FILES[name]
    published = inspect(request(file.make(), file.content_type, tmp_path))
    for each in (published.image, *published.variants):
        assert file.needle not in each.path.read_bytes()
