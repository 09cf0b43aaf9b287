"""Twenty photos as a phone takes them: wallpapers with a sensor's noise, 12 megapixels each."""

from pathlib import Path

import pyvips

from benchmarks.inspection.photos import QUALITY, WALLPAPER, with_noise

NAMES = (
    WALLPAPER.name,
    "seeding_by_Clements_Engelhardt.jpg",
    "sunset_by_Aitzol_Berasategi.jpg",
    "picosdeeuropa_by_Aitzol_Berasategi.jpg",
)
WIDTH, HEIGHT = 4000, 3000


def make_photos(directory: Path, count: int) -> list[Path]:
    """Write JPEGs of about 4 MB, each with other noise; return them."""
    directory.mkdir(exist_ok=True)
    views = [_view(WALLPAPER.parent / name) for name in NAMES]
    paths = [directory / f"IMG_{2000 + number}.jpg" for number in range(count)]
    for number, path in enumerate(paths):
        photo = with_noise(views[number % len(views)], seed=number + 1)
        photo.jpegsave(str(path), Q=QUALITY, keep="none")
    return paths


def _view(path: Path) -> pyvips.Image:
    image = pyvips.Image.thumbnail(str(path), WIDTH, height=HEIGHT, crop="centre", size="both")
    return image.copy_memory()
