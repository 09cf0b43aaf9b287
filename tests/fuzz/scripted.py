"""Histories that random generation seldom produces, as lists of the same actions.

Each starts with a new ad without images and is compared with the same model.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

from tests.fuzz.kinds import FORM, LOOSE, LOOSE_PUT, OPEN, PART, PARTS, PUT, Kind
from tests.fuzz.lifecycle import FORGED, Lifecycle
from tests.fuzz.lifecycle_parts import ALL, CHANGES
from tests.fuzz.machine import ALICE, BACKEND
from tests.fuzz.model import ANSWERED, CHURNED, DONE, LATER, REPLACED, UNHEARD

Action = tuple[Callable[..., None], *tuple[Any, ...]]
Script = list[Action]

PINS = ("", None)
CONFIRM: Action = (Lifecycle.confirm, 0, 1, ALICE, ANSWERED)
LIST: Action = (Lifecycle.list, 0)
REAP: Action = (Lifecycle.reap,)


def issue(*kinds: Kind, who: Any = ALICE) -> Action:
    return (Lifecycle.issue, 0, list(kinds), who, True)


def avatar(*kinds: Kind) -> Action:
    return (Lifecycle.issue_avatar, list(kinds), ALICE, True)


def send(change: str = "", form: int = 0, back: int = 0) -> Action:
    return (Lifecycle.send, back, form, change, 1)


def sign(pins: str | None = None) -> Action:
    return (Lifecycle.sign, 0, ALL, pins)


def send_parts(change: str = "") -> Action:
    return (Lifecycle.send_part, 0, None, change)


def complete(answer: str = ANSWERED) -> Action:
    return (Lifecycle.complete, 0, 1, ALICE, answer)


def later(seconds: int) -> Action:
    return (Lifecycle.pass_time, timedelta(seconds=seconds))


def arrived(kind: Kind) -> Script:
    """Return the actions of an upload whose bytes have arrived."""
    return [issue(kind), *([sign(), send_parts()] if kind[0] == "multipart" else [send()])]


def given(kind: Kind) -> Action:
    return complete() if kind[0] == "multipart" else CONFIRM


def server_scripts() -> Iterator[tuple[str, Script]]:
    """Yield the titles and scripts of histories that depend on the S3 server."""
    for kind in (PUT, LOOSE_PUT):
        again = [send(change) for change in ("", *CHANGES)]
        yield f"{name(kind)} writes once", [*arrived(kind), *again, CONFIRM, *again, REAP, *again]
    for kind in (FORM, LOOSE, OPEN, PUT, LOOSE_PUT):
        wrong = [send(change) for change in CHANGES]
        renewed: Script = [(Lifecycle.renew, 0), *wrong, send("", 1), CONFIRM]
        yield f"{name(kind)} takes what it is signed for", [issue(kind), *wrong, *renewed]
    for pins in PINS:
        wrong = [send_parts(change) for change in CHANGES]
        script = [issue(PARTS), sign(pins), *wrong, LIST, send_parts(), complete(), *wrong]
        yield f"parts, {'pinned' if pins == '' else 'loose'}, take their own bytes", script


def broker_scripts() -> Iterator[tuple[str, Script]]:
    """Yield the titles and scripts of histories that depend only on the broker."""
    for asked in (LIST, complete(), sign(), CONFIRM):
        gone: Script = [sign(), send_parts(), (Lifecycle.let_go, 0, True, ""), asked, asked]
        yield f"parts are lost, then {asked[0].__name__}", [issue(PART), *gone, issue(PART)]
    for asked in (LIST, complete(), CONFIRM):
        dead: Script = [sign(), send_parts(), (Lifecycle.let_go, 0, False, ""), asked, complete()]
        yield f"completed by a broker that died, then {asked[0].__name__}", [issue(PART), *dead]
    asked_all = [LIST, CONFIRM, complete()]
    for answer in (UNHEARD, DONE):
        yield f"completion: {answer}", [*arrived(PART), complete(answer), *asked_all]
    late = [*arrived(PART), complete(LATER), LIST, CONFIRM, complete()]
    yield "completion: takes a while", [*late, (Lifecycle.appear, 0), complete()]
    yield "completion: too late", [*late, later(901), LIST, complete(), REAP]
    for kind in (FORM, LOOSE, PUT, LOOSE_PUT, OPEN, PART):
        script = []
        gone_from = [sign(), (Lifecycle.let_go, 0, True, "")] if kind is PART else []
        for wrong_thing in FORGED:
            forged: Action = (Lifecycle.forge, 0, wrong_thing)
            script += [issue(kind, who=BACKEND), *gone_from, forged, given(kind), given(kind)]
        yield f"{name(kind)} is forged", script
    for pins in PINS:
        short: Script = [(Lifecycle.forge_part, 0, 2), LIST, complete(), send_parts(), complete()]
        script = [issue(PARTS), sign(pins), send_parts(), *short]
        yield f"a part of another length, {'pinned' if pins == '' else 'loose'}", script
    script = [issue(OPEN), send("longer"), CONFIRM, issue(OPEN, who=BACKEND), send(), CONFIRM]
    yield "open size is refunded to the user who was charged", script
    script = [issue(OPEN), later(7200), issue(OPEN), send("", 0, 1), later(60), CONFIRM]
    yield "open size is refunded in its own window only", script
    gone_images = [
        act
        for kind in (FORM, LOOSE)
        for act in (*arrived(kind), CONFIRM, (Lifecycle.delete_image, 0))
    ]
    yield "images are deleted", [*gone_images, issue(FORM, FORM, FORM), issue(FORM), REAP]
    held = [*arrived(FORM), CONFIRM, *arrived(LOOSE), *arrived(PART)]
    yield "an ad is deleted", [*held, (Lifecycle.delete_ad,), issue(FORM), later(1201), REAP]
    mine: Action = (Lifecycle.name_avatar, 0)
    named = [avatar(FORM), send(), mine, CONFIRM, mine, *arrived(FORM), mine, CONFIRM, mine]
    yield "only the newest upload can be set as the avatar", named
    script = [avatar(kind) for kind in (FORM, LOOSE)]
    yield (
        "an avatar is replaced, and its object is deleted",
        [act for one in script for act in (one, send(), CONFIRM, REAP)],
    )
    newer_first = [avatar(FORM), send(), avatar(LOOSE), send(), CONFIRM]
    older: Action = (Lifecycle.confirm, 1, 2, ALICE, ANSWERED)
    yield "an avatar is confirmed after a newer one", [*newer_first, older, REAP, later(1201), REAP]
    yield "an avatar is kept after a newer one", [*newer_first, later(1201), REAP, REAP, older]


def copy_scripts(*kinds: Kind) -> Iterator[tuple[str, Script]]:
    """Yield the scripts about copies whose answer is lost, and objects that are replaced."""
    for answer in (UNHEARD, DONE, REPLACED, CHURNED):
        for change in ("", "other"):
            asked = (Lifecycle.confirm, 0, 1, ALICE, answer)
            script = [*arrived(LOOSE), asked, send(change), CONFIRM, send("other"), CONFIRM]
            yield f"copy: {answer}, and sent again, {change or 'the same'}", [*script, REAP]
    for kind in kinds:
        lost: Script = [(Lifecycle.confirm, 0, 1, ALICE, answer) for answer in (DONE, UNHEARD)]
        together = [complete(DONE)] if kind is PART else []
        many = [*arrived(kind), *together, *lost, *lost]
        kept = [*many, CONFIRM, CONFIRM, REAP, later(901), REAP]
        yield f"{name(kind)} is copied many times, then confirmed", kept
        ended = [*many, (Lifecycle.cancel, 0), REAP, later(901), REAP]
        yield f"{name(kind)} is copied many times, then cancelled", ended
        for answer in (REPLACED, CHURNED):
            asked = (Lifecycle.confirm, 0, 1, ALICE, answer)
            replaced = [*arrived(kind), *together, asked, CONFIRM, REAP]
            yield f"{name(kind)} is {answer} during its confirm", replaced
    lost_twice: Script = [(Lifecycle.confirm, 0, 2, ALICE, DONE), CONFIRM]
    script = [avatar(FORM), send(), *lost_twice, avatar(LOOSE), send(), *lost_twice]
    yield "an avatar of a later attempt is replaced", [*script, REAP, later(901), REAP]


def late_scripts(*kinds: Kind) -> Iterator[tuple[str, Script]]:
    """Yield the scripts about objects that arrive after the end of their upload."""
    late: Action = (Lifecycle.arrive_late, 0)
    refused: Action = (Lifecycle.reap, True)
    notified: Action = (Lifecycle.notify, 0, False)
    for kind in kinds:
        ends: dict[str, Script] = {
            "cancelled": [(Lifecycle.cancel, 0)],
            "confirmed": [given(kind)],
            "expired": [later(3601), REAP],
            "deleted with its ad": [(Lifecycle.delete_ad,)],
            "confirmed and its image is deleted": [given(kind), (Lifecycle.delete_image, 0)],
        }
        for how, end in ends.items():
            begun = [issue(kind), issue(kind), *arrived(kind), *end]
            soon = [*begun, late, refused, late, later(31), REAP]
            yield f"{name(kind)} is {how}, and arrives again soon", soon
            last = [*begun, REAP, later(3601), REAP, late]
            seen = [*last, refused, REAP, later(31), REAP, late, notified, notified]
            yield f"{name(kind)} is {how}, and arrives after the last deletion", seen
            away = [*last, (Lifecycle.notify, 0, True), notified, later(7201), issue(FORM)]
            yield f"{name(kind)} is {how}, and stays charged until it is deleted", away
    replaced = [avatar(FORM), send(), CONFIRM, avatar(LOOSE), send(), CONFIRM]
    older: Action = (Lifecycle.arrive_late, 1)
    yield "an avatar is replaced, and arrives again", [*replaced, REAP, older, late, REAP, older]
    appears: Script = [(Lifecycle.appear, 0), later(60), REAP]
    script = [*arrived(PART), complete(LATER), (Lifecycle.cancel, 0), later(3601), REAP]
    yield "a completion appears after the last deletion", [*script, *appears]


def name(kind: Kind) -> str:
    transport, pinned, is_open, parts = kind
    how = "open" if is_open else "pinned" if pinned else "loose"
    return f"{how} {transport}{f' of {parts}' if parts > 1 else ''}"


def stale_scripts() -> Iterator[tuple[str, Script]]:
    """Yield the scripts about stale uploads, for both settings of the reaper."""
    stale = [later(1201), later(2701), (Lifecycle.renew, 0), REAP]
    for kind in (FORM, LOOSE, OPEN, PUT, PARTS):
        yield f"{name(kind)} arrived, and is stale", [*arrived(kind), *stale, given(kind)]
        yield f"{name(kind)} is stale", [issue(kind), *stale, given(kind)]
        forged: Action = (Lifecycle.forge, 0, "longer")
        yield f"{name(kind)} is forged and stale", [issue(kind), forged, *stale, given(kind)]
    wanted = [issue(FORM, FORM, FORM), later(1201), issue(PUT), avatar(FORM), REAP, issue(PUT)]
    yield "stale ones hold the slots", wanted
    beside = [issue(FORM), (Lifecycle.create_ad,), issue(FORM, FORM, FORM), later(1201)]
    yield "stale ones of another ad stay", [*beside, issue(PUT, who=BACKEND), REAP]
    last = [*arrived(PARTS), later(2699)]
    for answer in (UNHEARD, DONE, LATER):
        asked = [CONFIRM, LIST, complete()]
        yield f"completion, stale: {answer}", [*last, complete(answer), later(60), REAP, *asked]
    comes: Script = [(Lifecycle.appear, 0), REAP, CONFIRM]
    yield "completion, stale: takes a while", [*last, complete(LATER), later(60), REAP, *comes]
    yield "completion, stale: too late", [*last, complete(LATER), later(901), REAP, CONFIRM]


STALE: dict[str, Script] = dict(stale_scripts())
ON_SERVERS: dict[str, Script] = dict(server_scripts())
COPIES: dict[str, Script] = dict(copy_scripts(LOOSE, PART))
LATE: dict[str, Script] = dict(late_scripts(FORM))
SCRIPTED: dict[str, Script] = {**ON_SERVERS, **dict(broker_scripts()), **COPIES, **LATE}
# These take longer.
MORE: dict[str, Script] = {
    **dict(copy_scripts(FORM, OPEN, PUT, LOOSE_PUT)),
    **dict(late_scripts(LOOSE, OPEN, PUT, LOOSE_PUT, PART)),
}


def play(machine: Lifecycle, script: Script) -> None:
    """Run a script and compare everything after each action."""
    machine.empty()
    machine.create_ad()
    for act, *args in script:
        act(machine, *args)
        machine.rows_objects_and_model_agree()
    machine.teardown()
