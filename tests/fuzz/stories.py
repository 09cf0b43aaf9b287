"""Histories that chance seldom makes, written down: the same acts, compared with the same model.

Each begins with an ad of its own, without images.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

from tests.fuzz import lifecycle
from tests.fuzz.lifecycle import FORGED, FORM, LOOSE, LOOSE_PUT, OPEN, PART, PARTS, PUT, Lifecycle
from tests.fuzz.lifecycle_parts import ALL, CHANGES
from tests.fuzz.machine import ALICE, BACKEND
from tests.fuzz.model import ANSWERED, DONE, LATER, REPLACED, UNHEARD

Act = tuple[Callable[..., None], *tuple[Any, ...]]
Story = list[Act]

PINS = ("", None)
CONFIRM: Act = (Lifecycle.confirm, 0, 1, ALICE, ANSWERED)
LIST: Act = (Lifecycle.list, 0)
REAP: Act = (Lifecycle.reap,)


def issue(*kinds: lifecycle.Kind, who: Any = ALICE) -> Act:
    return (Lifecycle.issue, 0, list(kinds), who, True)


def avatar(*kinds: lifecycle.Kind) -> Act:
    return (Lifecycle.issue_avatar, list(kinds), ALICE, True)


def send(change: str = "", form: int = 0, back: int = 0) -> Act:
    return (Lifecycle.send, back, form, change, 1)


def sign(pins: str | None = None) -> Act:
    return (Lifecycle.sign, 0, ALL, pins)


def send_parts(change: str = "") -> Act:
    return (Lifecycle.send_part, 0, None, change)


def complete(answer: str = ANSWERED) -> Act:
    return (Lifecycle.complete, 0, 1, ALICE, answer)


def later(seconds: int) -> Act:
    return (Lifecycle.pass_time, timedelta(seconds=seconds))


def arrived(kind: lifecycle.Kind) -> Story:
    """An upload of a kind whose bytes are there."""
    return [issue(kind), *([sign(), send_parts()] if kind[0] == "multipart" else [send()])]


def given(kind: lifecycle.Kind) -> Act:
    return complete() if kind[0] == "multipart" else CONFIRM


def told_anywhere() -> Iterator[tuple[str, Story]]:
    """Give each story, and what it is about, whose end a real server has its part in."""
    for kind in (PUT, LOOSE_PUT):
        again = [send(change) for change in ("", *CHANGES)]
        yield f"{name(kind)} writes once", [*arrived(kind), *again, CONFIRM, *again, REAP, *again]
    for kind in (FORM, LOOSE, OPEN, PUT, LOOSE_PUT):
        wrong = [send(change) for change in CHANGES]
        renewed: Story = [(Lifecycle.renew, 0), *wrong, send("", 1), CONFIRM]
        yield f"{name(kind)} takes what it is signed for", [issue(kind), *wrong, *renewed]
    for pins in PINS:
        wrong = [send_parts(change) for change in CHANGES]
        story = [issue(PARTS), sign(pins), *wrong, LIST, send_parts(), complete(), *wrong]
        yield f"parts, {'pinned' if pins == '' else 'loose'}, take their own bytes", story


def told_here() -> Iterator[tuple[str, Story]]:
    """Give those that are about what the broker alone makes of what it finds."""
    for asked in (LIST, complete(), sign(), CONFIRM):
        gone: Story = [sign(), send_parts(), (Lifecycle.let_go, 0, True, ""), asked, asked]
        yield f"parts are let go of, then {asked[0].__name__}", [issue(PART), *gone, issue(PART)]
    for asked in (LIST, complete(), CONFIRM):
        dead: Story = [sign(), send_parts(), (Lifecycle.let_go, 0, False, ""), asked, complete()]
        yield f"completed by a broker that died, then {asked[0].__name__}", [issue(PART), *dead]
    asked_all = [LIST, CONFIRM, complete()]
    for answer in (UNHEARD, DONE):
        yield f"completion: {answer}", [*arrived(PART), complete(answer), *asked_all]
    late = [*arrived(PART), complete(LATER), LIST, CONFIRM, complete()]
    yield "completion: takes a while", [*late, (Lifecycle.appear, 0), complete()]
    yield "completion: too late", [*late, later(901), LIST, complete(), REAP]
    for kind in (FORM, LOOSE, PUT, LOOSE_PUT, OPEN, PART):
        story = []
        gone_from = [sign(), (Lifecycle.let_go, 0, True, "")] if kind is PART else []
        for wrong_thing in FORGED:
            forged: Act = (Lifecycle.forge, 0, wrong_thing)
            story += [issue(kind, who=BACKEND), *gone_from, forged, given(kind), given(kind)]
        yield f"{name(kind)} is forged", story
    for pins in PINS:
        short: Story = [(Lifecycle.forge_part, 0, 2), LIST, complete(), send_parts(), complete()]
        story = [issue(PARTS), sign(pins), send_parts(), *short]
        yield f"a part of another length, {'pinned' if pins == '' else 'loose'}", story
    story = [issue(OPEN), send("longer"), CONFIRM, issue(OPEN, who=BACKEND), send(), CONFIRM]
    yield "open size is settled with whom it was charged to", story
    story = [issue(OPEN), later(7200), issue(OPEN), send("", 0, 1), later(60), CONFIRM]
    yield "open size is settled in its own window alone", story
    gone_images = [
        act
        for kind in (FORM, LOOSE)
        for act in (*arrived(kind), CONFIRM, (Lifecycle.delete_image, 0))
    ]
    yield "images are deleted", [*gone_images, issue(FORM, FORM, FORM), issue(FORM), REAP]
    held = [*arrived(FORM), CONFIRM, *arrived(LOOSE), *arrived(PART)]
    yield "an ad is deleted", [*held, (Lifecycle.delete_ad,), issue(FORM), later(1201), REAP]
    mine: Act = (Lifecycle.name_avatar, 0)
    named = [avatar(FORM), send(), mine, CONFIRM, mine, *arrived(FORM), mine, CONFIRM, mine]
    yield "none but the avatar is named as it", named
    story = [avatar(kind) for kind in (FORM, LOOSE)]
    yield (
        "an avatar is replaced, and its object goes",
        [act for one in story for act in (one, send(), CONFIRM, REAP)],
    )
    for answer in (UNHEARD, DONE, REPLACED):
        for change in ("", "other"):
            asked = (Lifecycle.confirm, 0, 1, ALICE, answer)
            story = [*arrived(LOOSE), asked, send(change), CONFIRM, send("other"), CONFIRM]
            yield f"copy: {answer}, and sent again, {change or 'the same'}", [*story, REAP]


def name(kind: lifecycle.Kind) -> str:
    transport, pinned, is_open, parts = kind
    how = "open" if is_open else "pinned" if pinned else "loose"
    return f"{how} {transport}{f' of {parts}' if parts > 1 else ''}"


def told_late() -> Iterator[tuple[str, Story]]:
    """Give those about uploads that are stale, whether what has arrived is kept or not."""
    stale = [later(1201), later(2701), (Lifecycle.renew, 0), REAP]
    for kind in (FORM, LOOSE, OPEN, PUT, PARTS):
        yield f"{name(kind)} arrived, and is stale", [*arrived(kind), *stale, given(kind)]
        yield f"{name(kind)} is stale", [issue(kind), *stale, given(kind)]
        forged: Act = (Lifecycle.forge, 0, "longer")
        yield f"{name(kind)} is forged and stale", [issue(kind), forged, *stale, given(kind)]
    wanted = [issue(FORM, FORM, FORM), later(1201), issue(PUT), avatar(FORM), REAP, issue(PUT)]
    yield "stale ones hold the places", wanted
    beside = [issue(FORM), (Lifecycle.create_ad,), issue(FORM, FORM, FORM), later(1201)]
    yield "stale ones of another ad stay", [*beside, issue(PUT, who=BACKEND), REAP]
    last = [*arrived(PARTS), later(2699)]
    for answer in (UNHEARD, DONE, LATER):
        asked = [CONFIRM, LIST, complete()]
        yield f"completion, stale: {answer}", [*last, complete(answer), later(60), REAP, *asked]
    comes: Story = [(Lifecycle.appear, 0), REAP, CONFIRM]
    yield "completion, stale: takes a while", [*last, complete(LATER), later(60), REAP, *comes]
    yield "completion, stale: too late", [*last, complete(LATER), later(901), REAP, CONFIRM]


LATE: dict[str, Story] = dict(told_late())
ANYWHERE: dict[str, Story] = dict(told_anywhere())
STORIES: dict[str, Story] = {**ANYWHERE, **dict(told_here())}


def tell(machine: Lifecycle, story: Story) -> None:
    """Live it, and compare all after each act."""
    machine.empty()
    machine.create_ad()
    for act, *args in story:
        act(machine, *args)
        machine.rows_and_objects_agree()
        machine.rows_are_as_the_model_says()
    machine.teardown()
