"""The benchmark's link behaves as its figures say, and leaves nothing behind."""

import importlib
import os
import re
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from playwright.sync_api import Page

from benchmarks.field.lines import Round, after_cut, hashing_ms, lines_of
from benchmarks.field.links import LINKS, MOBILE, Link, needed_bytes
from benchmarks.field.page_view import kind_of
from benchmarks.field.phone import Phone, check_link, forbidden, phone
from benchmarks.field.requests_log import Requests
from benchmarks.field.shaping import Direction
from benchmarks.field.visits import Unfinished, Visit, when_sent
from benchmarks.load.wrk import LoadFailed
from broker.local.process import ServerNotInstalled
from tests.processes import await_true, is_running
from tests.servers import installed_or_skip

ROOT = Path(__file__).parent.parent.parent
PACKET = bytes(1500)
NETWORKS = Path("/sys/class/net")


def direction(*, loss: float = 0.0, queue_bytes: float = 15_000, seed: int = 1) -> Direction:
    """Return a direction of 12 Mbit/s, which sends a full packet in a millisecond."""
    return Direction(bits=12e6, delay_s=0.03, loss=loss, queue_bytes=queue_bytes, seed=seed)


def test_a_packet_arrives_after_the_time_to_send_it_and_the_delay() -> None:
    way = direction()
    way.offer(PACKET, 5.0)
    assert way.next_arrival() == pytest.approx(5.031)
    assert way.arrived(5.0309) == []
    assert way.arrived(5.0311) == [PACKET]
    assert way.next_arrival() is None


def test_packets_arrive_in_order_at_the_rate_of_the_link() -> None:
    way = direction(queue_bytes=30_000)
    packets = [bytes([number]) * 1500 for number in range(10)]
    for packet in packets:
        way.offer(packet, 0.0)
    assert way.arrived(0.0355) == packets[:5]
    assert way.arrived(1.0) == packets[5:]


def test_a_full_queue_drops_packets_and_takes_them_again_later() -> None:
    way = direction(queue_bytes=4500)
    for _ in range(5):
        way.offer(PACKET, 0.0)
    assert (way.counters.packets_sent, way.counters.packets_dropped) == (3, 2)
    way.offer(PACKET, 0.001)
    assert (way.counters.packets_sent, way.counters.packets_dropped) == (4, 2)
    assert way.counters.bytes_sent == 6000


def test_lost_packets_use_the_link_and_are_the_same_in_each_run() -> None:
    def arrivals() -> list[bytes]:
        way = direction(loss=0.1, queue_bytes=1e9)
        for number in range(1000):
            way.offer(number.to_bytes(2) * 750, 0.0)
        assert way.counters.bytes_sent == 1_500_000
        assert all(way.arrived(at / 1000) for at in (100, 500, 1000))
        rest = way.arrived(1.031)
        assert 50 < way.counters.packets_lost < 200
        return rest

    assert arrivals() == arrivals()
    way = direction(loss=1.0, queue_bytes=1e9)
    way.offer(PACKET, 0.0)
    assert way.next_arrival() is None


def test_a_cut_loses_what_is_on_the_way() -> None:
    way = direction()
    way.offer(PACKET, 0.0)
    way.offer(PACKET, 0.0)
    way.cut()
    way.cut(PACKET)
    assert way.counters.packets_cut == 3
    assert way.arrived(10.0) == []
    way.offer(PACKET, 11.0)
    assert way.next_arrival() == pytest.approx(11.031)


def test_a_link_allows_what_remains_beside_headers_and_losses() -> None:
    link = Link(name="slow", up_bits=8e6, down_bits=8e6, rtt_s=0.1, loss=0.02)
    assert link.shortest_seconds(1_448_000) == pytest.approx(1.5 / 0.98)
    assert needed_bytes(1_448_000) == pytest.approx(1_500_000)


class FakeSession:
    """Reports the events of a page's requests: (id, method, URL, began, ended)."""

    def __init__(self, events: Sequence[tuple[str, str, str, float, float]]) -> None:
        self._events = events
        self._heard: dict[str, list[object]] = {}

    def on(self, name: str, heard: object) -> None:
        self._heard.setdefault(name, []).append(heard)

    def send(self, _method: str) -> None:
        for number, method, url, began, ended in self._events:
            request = {"method": method, "url": url}
            self._tell(
                "Network.requestWillBeSent",
                {
                    "requestId": number,
                    "request": request,
                    "wallTime": began,
                    "timestamp": began - 9,
                },
            )
            self._tell("Network.loadingFinished", {"requestId": number, "timestamp": ended - 9})

    def _tell(self, name: str, event: dict[str, object]) -> None:
        for heard in self._heard[name]:
            heard(event)  # type: ignore[operator]


def visited(*recorded: float, sent: int = 8_400_000, digest_at: float = 100.08) -> Visit:
    events = [
        ("1", "GET", "http://api/api/profiles/", 100.0, 100.15),
        ("2", "OPTIONS", "http://api/api/ads/1/upload_images/", digest_at + 0.001, digest_at + 0.1),
        ("3", "POST", "http://api/api/ads/1/upload_images/", digest_at, digest_at + 0.2),
        ("4", "POST", "http://s3/media-bucket", digest_at + 0.3, digest_at + 3),
        ("5", "POST", "http://s3/media-bucket", digest_at + 0.3, digest_at + 4),
        ("6", "POST", "http://s3/media-bucket", digest_at + 2, digest_at + 4),
    ]
    return Visit(
        chosen=100.0,
        recorded=recorded,
        ready=[each + 1 for each in recorded],
        bytes_up=sent,
        bytes_down=100_000,
        main_thread=0.2,
        scripts=0.1,
        requests=Requests(FakeSession(events)),  # type: ignore[arg-type]
    )


def test_hashing_delays_the_first_request_for_a_ticket() -> None:
    assert hashing_ms(visited(1.0)) == pytest.approx(80)
    assert hashing_ms(visited(1.0, digest_at=100.15)) == pytest.approx(150)


def test_each_side_and_the_link_is_compared_with_the_last_photo() -> None:
    measured = Round(
        ours=visited(2.0, 3.4), uppy=visited(1.9, 3.3), form=Unfinished(last=4.25, bytes_up=5)
    )
    size = 7_800_000  # the link allows 3.23 s
    lines = lines_of(MOBILE, [measured], photos=2, size=size)
    verdicts = [(line.beside, line.verdict) for line in lines if line.verdict]
    assert verdicts == [
        ("what the link allows", "missed"),
        ("@uppy/aws-s3 and Companion", "missed"),
        ("a form through Flask and boto3", "met"),
        ("the limit", "met"),
    ]
    assert lines[0].note.startswith("first photo begun 0.38 s, last one stored 4.08 s;")
    assert "6 requests, 1 of them preflights" in lines[0].note
    assert "stopped after 4 s" in lines[2].note


def test_what_is_sent_again_is_counted_in_bytes_and_photos() -> None:
    cut = visited(2.0, 20.0, sent=12_000_000)
    line = after_cut(MOBILE, cut, visited(2.0, 3.4), photos=2, size=7_800_000)
    assert line.measured.median == pytest.approx(3.6)
    assert line.verdict == "met"
    assert "1 requests with a photo more" in line.note
    missed = visited(2.0, 20.0, sent=13_000_000)
    assert after_cut(MOBILE, missed, cut, photos=2, size=7_800_000).verdict == "met"
    usual = visited(2.0, 3.4)
    assert after_cut(MOBILE, missed, usual, photos=2, size=7_800_000).verdict == "missed"


def test_an_interruption_is_not_awaited_if_a_photo_fails_before() -> None:
    page = SimpleNamespace(url="http://pages/broker/", evaluate=lambda _: ["refused"])
    silent = SimpleNamespace(counters=lambda: {"up": {"bytes_sent": 1500}})
    act = when_sent(1e6, lambda _: pytest.fail("interrupted"))
    with pytest.raises(LoadFailed, match="refused"):
        act(cast(Page, page), cast(Phone, silent))


def test_pictures_are_counted_by_their_variant() -> None:
    urls = ["http://s3/b/ads/ad_1/main_1_w800.webp", "http://s3/b/ads/ad_1/main_1.jpg"]
    assert Counter(map(kind_of, urls)) == {"w800.webp": 1, "original": 1}


def test_the_pages_and_every_script_they_name_are_served(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    script = tmp_path / "uppy-page.js"
    script.write_text("// bundled")
    monkeypatch.setenv("UPPY_SCRIPT", str(script))
    client = importlib.import_module("benchmarks.apps.pages").app.test_client()
    for side in ("broker", "uppy", "form", "listing"):
        with client.get(f"/{side}/") as page, client.get(f"/{side}/page.js") as page_js:
            assert 'src="page.js"' in page.text
            modules = re.findall(r'from "(/\S+)";', page_js.text)
        for module in modules:
            with client.get(module) as answer:
                assert (module, answer.status_code) == (module, 200)
                assert answer.cache_control.max_age == 3600


@pytest.fixture
def link_or_skip() -> None:
    # What a kernel or a container forbids cannot be installed, also not by CI.
    if lacks := forbidden():
        pytest.skip(f"the shaped link needs {lacks}")
    with installed_or_skip():
        check_link()


def test_programs_on_the_phone_reach_this_machine_over_the_link(link_or_skip: None) -> None:
    script = "import socket, sys; socket.create_connection(('127.0.0.1', int(sys.argv[1])), 20)"
    link = LINKS[2]
    with socket.create_server(("127.0.0.1", 0)) as server, phone(link) as running:
        argv = running.argv([sys.executable, "-c", script, str(server.getsockname()[1])])
        process = subprocess.Popen(argv)
        connection, address = server.accept()
        connection.close()
        assert process.wait(20) == 0
        assert address[0].startswith("198.1")
        assert running.counters()["up"]["packets_sent"] >= 2
        assert (NETWORKS / f"field{os.getpid()}").exists()
    assert not (NETWORKS / f"field{os.getpid()}").exists()


def test_a_killed_run_leaves_no_relay_and_no_device(link_or_skip: None) -> None:
    script = (
        "import sys; from benchmarks.field.phone import phone; from benchmarks.field.links import"
        " FAST; running = phone(FAST); found = running.__enter__();"
        " print(found.argv(['x'])[1].split('/')[2], flush=True); sys.stdin.read()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    relay = int(process.stdout.readline())
    device = NETWORKS / f"field{process.pid}"
    assert device.exists()
    process.send_signal(signal.SIGKILL)
    process.communicate()
    await_true(lambda: not is_running(relay), timeout=10)
    await_true(lambda: not device.exists(), timeout=10)


def test_a_machine_without_the_means_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _name: None)
    with pytest.raises(ServerNotInstalled, match="needs ip, ss, nsenter, unshare of iproute2 and"):
        check_link()
