"""The duration and size of a measurement. `rows/` defines what is measured."""

from dataclasses import dataclass

KINDS = ("PostgreSQL", "SQLite")
USERS = 50
ADS = 1_000  # these users own them; they have no images, and tickets are issued for them
IMAGES_PER_AD = 20
BATCH = 20
PARTS = 100
PHOTO_BYTES = 8_000_000
SLOW_BYTES_PER_SECOND = 125_000  # 1 Mbit/s


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The size of a run. Seconds are integers, because wrk accepts only integers.

    A round sends `photos` through Flask and `ticketed_photos` by ticket, which take less CPU.
    `stub_confirms` and `real_confirms` are the highest rates of confirms for which there are
    enough pending uploads. If the broker is faster, the row fails with an error that explains this.
    """

    quick: bool = False
    rounds: int = 3
    warm_seconds: int = 1
    seconds: int = 3
    connections: int = 8
    kinds: tuple[str, ...] = KINDS
    sizes: tuple[int, ...] = (1_000, 100_000, 1_000_000)
    stub_confirms: int = 4_000
    real_confirms: int = 1_000
    grant_blocks: int = 100
    parts_blocks: int = 25
    photos: int = 12
    ticketed_photos: int = 40
    slow_clients: int = 500
    slow_transfer_seconds: int = 10
    slow_window_seconds: int = 20
    memory_tickets: int = 100_000
    workers: int = 64
    due_uploads: int = 30_000
    idle_seconds: int = 10
    ready_uploads: int = 20
    images_per_worker: int = 16
    profile_seconds: float = 4.0
    field_photos: int = 20
    field_rounds: int = 1
    page_ads: int = 20
    page_images: int = 8


FULL = Plan()
QUICK = Plan(
    quick=True,
    rounds=2,
    seconds=1,
    sizes=(1_000, 5_000, 20_000),
    grant_blocks=10,
    parts_blocks=2,
    photos=2,
    ticketed_photos=4,
    slow_clients=60,
    slow_transfer_seconds=4,
    slow_window_seconds=10,
    memory_tickets=2_000,
    workers=8,
    due_uploads=500,
    idle_seconds=2,
    ready_uploads=3,
    images_per_worker=3,
    profile_seconds=1.0,
    field_photos=2,
    page_ads=2,
    page_images=2,
)
