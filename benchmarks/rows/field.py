"""Photos from a phone: our client, Uppy with Companion, and a plain form, on three links."""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.field.lines import Round, after_cut, after_network_change, lines_of
from benchmarks.field.links import FAST, LINKS, MOBILE, WEAK, Link, needed_bytes
from benchmarks.field.phone import check_link
from benchmarks.field.photos import make_photos
from benchmarks.field.shop import BROKER, COMPANION, FORM, Shop, shop
from benchmarks.field.visits import Visit, post_form, visit, when_sent
from benchmarks.rounds import say
from benchmarks.table import Section

TITLE = "Photos from a phone"
INTERRUPTED_SECONDS = 10
WARM_UP_PHOTOS = 6
# A form is stopped when it has clearly taken longer than our side: one connection that loses 1 % of
# its packets would need ten minutes.
PATIENCE = 1.25
PATIENCE_SECONDS = 5


def run(bench: Bench) -> Section:
    """Measure the three sides in turn on each link, then two interruptions of our own side."""
    check_link()
    say("  making photos")
    photos = make_photos(bench.directory / "phone", bench.plan.field_photos)
    size = sum(path.stat().st_size for path in photos)
    lines = []
    with shop(bench) as running:
        say("  warm-up")
        _round(running, FAST, photos[:WARM_UP_PHOTOS])
        for link in LINKS:
            # The link with loss takes too long for several rounds.
            rounds = 1 if link is WEAK else bench.plan.field_rounds
            of_link = [_round(running, link, photos) for _ in range(rounds)]
            lines += lines_of(link, of_link, photos=len(photos), size=size)
            if link is MOBILE:
                usual = of_link[-1].ours
        half = needed_bytes(size) / 2
        cut = _interrupted(running, photos, half, cut=True)
        lines.append(after_cut(MOBILE, cut, usual, photos=len(photos), size=size))
        changed = _interrupted(running, photos, half, cut=False)
        lines.append(after_network_change(MOBILE, changed, usual, photos=len(photos), size=size))
    text = f"{len(photos)} photos of {size / len(photos) / 1e6:.1f} MB, each another file."
    return Section(title=TITLE, lines=lines, text=text)


def _round(running: Shop, link: Link, photos: Sequence[Path]) -> Round:
    allowed = link.shortest_seconds(sum(path.stat().st_size for path in photos))
    say(f"  {link.name}: the link allows {allowed:.1f} s")
    ours = visit(link, running.page(BROKER), running.arguments[BROKER], photos)
    say(f"    upload broker: {ours.last:.2f} s, ready {ours.ready[-1]:.2f} s")
    uppy = visit(link, running.page(COMPANION), running.arguments[COMPANION], photos)
    say(f"    Uppy and Companion: {uppy.last:.2f} s")
    at_most = PATIENCE * ours.last + PATIENCE_SECONDS
    form = post_form(link, running.page(FORM), running.arguments[FORM], photos, at_most=at_most)
    say(f"    form through Flask: {'' if isinstance(form, Visit) else 'over '}{form.last:.2f} s")
    return Round(ours=ours, uppy=uppy, form=form)


def _interrupted(running: Shop, photos: Sequence[Path], after_bytes: float, *, cut: bool) -> Visit:
    during = when_sent(
        after_bytes,
        lambda phone: (phone.cut if cut else phone.change_network)(INTERRUPTED_SECONDS),
    )
    url, arguments = running.page(BROKER), running.arguments[BROKER]
    interrupted = visit(MOBILE, url, arguments, photos, during=during)
    say(f"    after {'a cut' if cut else 'a change of network'}: {interrupted.last:.2f} s")
    return interrupted
