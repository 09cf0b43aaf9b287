"""Inventory reports: S3's reports are read, and broken reports are refused in one line."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from broker.domain.errors import InvalidReport
from broker.storage.buckets import ByKey
from broker.storage.inventory import open_report, open_reports
from tests.servers.inventory import CSV_SCHEMA, entry, write_report

KEYS = ["media/ads/ad_1/a b.jpg", "media/a+b%20c.jpg", "media/é日.jpg", "media/", "x/b.jpg"]


@pytest.fixture(params=["CSV", "Parquet"])
def file_format(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def refused(manifest: Path) -> str:
    """Read the whole report; return the error, which is one line."""
    with pytest.raises(InvalidReport) as caught:
        list(open_report(manifest, "media-bucket").objects())
    assert "\n" not in str(caught.value)
    return str(caught.value)


def changed(manifest: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    said = json.loads(manifest.read_text())
    change(said)
    manifest.write_text(json.dumps(said))
    (manifest.parent / "manifest.checksum").unlink()
    return manifest


def test_every_object_is_read_with_its_exact_key(tmp_path: Path, file_format: str) -> None:
    entries = [entry(key, size=number) for number, key in enumerate(KEYS)]
    manifest = write_report(tmp_path, entries, file_format, files=2)
    assert list(open_report(manifest, "media-bucket").objects()) == entries


def test_old_versions_and_delete_markers_are_left_out(tmp_path: Path, file_format: str) -> None:
    manifest = write_report(
        tmp_path, [entry("media/a")], file_format, old=[entry("media/a", size=9)], deleted=["m/d"]
    )
    assert list(open_report(manifest, "media-bucket").objects()) == [entry("media/a")]


def test_quotes_around_an_etag_are_removed(tmp_path: Path, file_format: str) -> None:
    manifest = write_report(tmp_path, [entry("media/a", etag='"e-2"')], file_format)
    assert [item.etag for item in open_report(manifest, "media-bucket").objects()] == ["e-2"]


def test_data_files_may_be_next_to_the_manifest(tmp_path: Path, file_format: str) -> None:
    manifest = write_report(tmp_path, [entry("media/a")], file_format)
    for file in (tmp_path / "data").iterdir():
        file.rename(manifest.parent / file.name)
    assert list(open_report(manifest, "media-bucket").objects()) == [entry("media/a")]


def test_another_buckets_report_is_refused(tmp_path: Path, file_format: str) -> None:
    manifest = write_report(tmp_path, [], file_format)
    with pytest.raises(InvalidReport, match="for bucket media-bucket, not for other"):
        open_report(manifest, "other")


def test_orc_is_refused(tmp_path: Path) -> None:
    manifest = write_report(tmp_path, [], "CSV")
    assert "CSV or Parquet" in refused(changed(manifest, lambda m: m.update(fileFormat="ORC")))


def test_a_report_without_a_required_field_is_refused_with_its_name(
    tmp_path: Path, file_format: str
) -> None:
    manifest = write_report(tmp_path, [], file_format)
    drop = {"fileSchema": "Bucket, Key, Size"}
    if file_format == "Parquet":
        drop = {"fileSchema": "message s3.inventory { required binary key (STRING); }"}
    assert "e_tag" in refused(changed(manifest, lambda m: m.update(drop)))


def test_a_missing_data_file_is_named(tmp_path: Path, file_format: str) -> None:
    manifest = write_report(tmp_path, [entry("media/a")], file_format)
    (file,) = (tmp_path / "data").iterdir()
    file.unlink()
    assert file.name in refused(manifest)


def test_a_truncated_data_file_is_refused(tmp_path: Path, file_format: str) -> None:
    manifest = write_report(tmp_path, [entry(f"media/{n}") for n in range(100)], file_format)
    (file,) = (tmp_path / "data").iterdir()
    file.write_bytes(file.read_bytes()[:-20])
    assert "bytes" in refused(manifest)


def test_a_modified_data_file_is_refused(tmp_path: Path, file_format: str) -> None:
    manifest = write_report(tmp_path, [entry("media/a")], file_format)
    (file,) = (tmp_path / "data").iterdir()
    file.write_bytes(b"x" + file.read_bytes()[1:])
    assert "MD5" in refused(manifest)


@pytest.mark.parametrize("data", [b"no data", b"\x1f\x8b\x08\0cut", b"PAR1cutPAR1"])
def test_a_file_that_is_no_data_file_is_refused(
    tmp_path: Path, file_format: str, data: bytes
) -> None:
    assert "cannot be read" in refused(
        write_report(tmp_path, [entry("media/a")], file_format, data=data)
    )


@pytest.mark.parametrize(
    "line",
    ['"media-bucket","media/a"', '"b","a","x","2026-01-01T00:00:00.000Z","e","true","false"']
    + ['"b","a","1","yesterday","e","true","false"', '"b","%ff","1","","e","true","false"'],
)
def test_an_unreadable_line_is_named(tmp_path: Path, line: str) -> None:
    import gzip

    data = gzip.compress(f"{line}\n".encode())
    assert refused(write_report(tmp_path, [], "CSV", data=data))


@pytest.mark.parametrize("text", ["", "[]", "{}", "\xff", '{"sourceBucket": "media-bucket"}'])
def test_an_invalid_manifest_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.json").write_bytes(text.encode("latin-1"))
    assert "manifest" in refused(tmp_path / "manifest.json")


def test_a_missing_manifest_is_refused(tmp_path: Path) -> None:
    assert "No such file" in refused(tmp_path / "manifest.json")


def test_a_manifest_with_a_wrong_checksum_is_refused(tmp_path: Path) -> None:
    manifest = write_report(tmp_path, [], "CSV")
    assert (manifest.parent / "manifest.checksum").is_file()
    open_report(manifest, "media-bucket")
    manifest.write_text(manifest.read_text() + " ")
    assert "manifest.checksum" in refused(manifest)


def test_without_pyarrow_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = write_report(tmp_path, [entry("media/a")], "Parquet")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert "pip install pyarrow," in refused(manifest)


def test_the_schema_in_csv_is_the_one_that_s3_writes() -> None:
    assert CSV_SCHEMA.startswith("Bucket, Key")


def test_with_two_buckets_each_report_counts_for_the_keys_of_its_bucket(tmp_path: Path) -> None:
    names = ByKey(media="photos", incoming="photos-in")
    manifests = []
    for name in names.each():
        (tmp_path / name).mkdir()
        entries = [entry(key) for key in ("incoming/a.jpg", "media/a.jpg", "private/a.pdf")]
        manifests.append(write_report(tmp_path / name, entries, "CSV", bucket=name))
    found = [one.key for one in open_reports(manifests, names)()]
    assert found == ["media/a.jpg", "incoming/a.jpg", "private/a.pdf"]
    with pytest.raises(InvalidReport, match=r"no report of bucket photos-in: give one of each"):
        open_reports(manifests[:1], names)
