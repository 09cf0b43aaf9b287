"""A page of ads as a visitor's phone loads it: with variants, and with the originals."""

from benchmarks.bench import Bench
from benchmarks.field.ads import ads
from benchmarks.field.links import WEAK
from benchmarks.field.page_view import PageView, views
from benchmarks.field.phone import check_link
from benchmarks.field.photos import make_photos
from benchmarks.field.shop import shop
from benchmarks.rounds import say
from benchmarks.rows.lines import compared
from benchmarks.table import Section, Target

TITLE = "A page of ads on a phone"
OF_THE_ORIGINALS = Target(at_most=1 / 50)
WORKERS = 2


def run(bench: Bench) -> Section:
    """Create ads with processed images, and load the page both ways."""
    check_link()
    plan = bench.plan
    photos = make_photos(bench.directory / "phone", plan.field_photos)
    with (
        shop(bench, processes=WORKERS) as running,
        ads(bench, running, photos, count=plan.page_ads, images=plan.page_images),
    ):
        say(f"  {plan.page_ads} ads with {plan.page_images} images each are ready")
        address = f"{running.pages.url}/listing/?api={running.broker.url}&limit={plan.page_ads}"
        variants, again = views(WEAK, f"{address}&pictures=variants")
        say(f"  variants: {variants.seconds:.2f} s, {variants.bytes_down / 1e6:.2f} MB")
        originals, _ = views(WEAK, f"{address}&pictures=originals")
        say(f"  originals: {originals.seconds:.1f} s, {originals.bytes_down / 1e6:.1f} MB")
    page = f"a page of {plan.page_ads} ads"
    lines = [
        compared(
            f"bytes of {page}, variants",
            "originals",
            unit="MB",
            mine=[variants.bytes_down / 1e6],
            theirs=[originals.bytes_down / 1e6],
            target=OF_THE_ORIGINALS,
            note=_shown(variants),
        ),
        compared(
            f"time until the last picture of {page}, {WEAK.name}",
            "originals",
            unit="s",
            mine=[variants.seconds],
            theirs=[originals.seconds],
        ),
        compared(
            f"{page} again, with the browser's cache, {WEAK.name}",
            "the first time",
            unit="s",
            mine=[again.seconds],
            theirs=[variants.seconds],
            note=f"{again.bytes_down / 1e6:.2f} MB",
        ),
    ]
    return Section(title=TITLE, lines=lines)


def _shown(view: PageView) -> str:
    kinds = ", ".join(f"{count} of {kind}" for kind, count in sorted(view.pictures.items()))
    return f"{view.requests} requests; pictures: {kinds}"
