"""Pictures for the tests, drawn by libvips: four corners of different colours on a busy ground."""

import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pyvips

from broker.domain.rejections import RejectionReason
from broker.inspection import formats
from broker.inspection.inspect import inspect
from broker.inspection.inspected import Inspected, Rejected, Request
from tests.servers import ServerNotInstalled

RED, GREEN, BLUE, WHITE = [220, 30, 30], [30, 200, 40], [40, 40, 210], [250, 250, 250]
CORNERS = [RED, GREEN, BLUE, WHITE]  # top left, top right, bottom left, bottom right
SUFFIXES = {"image/jpeg": ".jpg", "image/png": ".png", "image/webp": ".webp", "image/gif": ".gif"}


@cache
def picture(width: int, height: int) -> pyvips.Image:
    """Return a picture in sRGB. Its corners have the colours of CORNERS."""
    ground = pyvips.Image.gaussnoise(width, height, mean=128, sigma=20, seed=7)
    image = ground.bandjoin([ground + 10, ground - 10]).cast("uchar").copy(interpretation="srgb")
    across, down = width // 4, height // 4
    for number, colour in enumerate(CORNERS):
        patch = pyvips.Image.black(across, down).new_from_image(colour).cast("uchar")
        left = 0 if number % 2 == 0 else width - across
        image = image.insert(patch, left, 0 if number < 2 else height - down)
    return image.copy_memory()


def corners(image: pyvips.Image) -> list[list[float]]:
    """Return the colours of the four corners of an image in sRGB."""
    across, down = image.width // 10, image.height // 10
    places = [(across, down), (image.width - across, down)]
    places += [(x, image.height - down) for x, _ in places]
    return [image.getpoint(x, y)[:3] for x, y in places]


def alike(colours: list[list[float]], others: list[list[float]], by: float = 12) -> bool:
    """Check whether colours differ by a lossy encoder's error at most."""
    pairs = zip(sum(colours, []), sum(others, []), strict=True)
    return all(abs(one - other) <= by for one, other in pairs)


def inspected(
    source: Path,
    directory: Path,
    *,
    widths: tuple[int, ...] = (320, 800, 1600),
    content_type: str | None = None,
    **limits: Any,
) -> Inspected:
    """Inspect a file as the worker does; its type is declared as it is."""
    target = directory / "results"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    request = Request(
        source=source,
        directory=target,
        content_type=content_type or formats.detect(source) or "image/jpeg",
        max_pixels=limits.get("max_pixels", 100_000_000),
        max_frames=limits.get("max_frames", 300),
        variant_widths=widths,
    )
    return inspect(request)


def rejection(source: Path, directory: Path, **options: Any) -> RejectionReason | None:
    """Return the reason for which a file is rejected, or None if it is not."""
    try:
        inspected(source, directory, **options)
    except Rejected as rejected:
        return rejected.reason
    return None


def animation(frames: list[pyvips.Image]) -> pyvips.Image:
    """Return frames of one size as an animation for gifsave and webpsave."""
    strip = pyvips.Image.arrayjoin(frames, across=1).copy()
    strip.set_type(pyvips.GValue.gint_type, "page-height", frames[0].height)
    strip.set_type(pyvips.GValue.array_int_type, "delay", [100] * len(frames))
    return strip


def heif(image: pyvips.Image, path: Path, *options: str) -> Path:
    """Write a picture as HEIC or AVIF, by the suffix of the path."""
    if shutil.which("heif-enc") is None:
        raise ServerNotInstalled("no encoder of HEIC: apt-get install libheif-examples")
    png = path.with_suffix(".source.png")
    image.pngsave(str(png))
    codec = ["-A", "-p", "speed=9"] if path.suffix == ".avif" else ["-p", "preset=ultrafast"]
    argv = ["heif-enc", *codec, *options, str(png), "-o", str(path)]
    subprocess.run(argv, check=True, capture_output=True)
    return path
