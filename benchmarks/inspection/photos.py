"""Photos as phones take them: a wallpaper with a sensor's noise, in the sizes of phones."""

import subprocess
from pathlib import Path

import pyvips

WALLPAPER = Path("/usr/share/backgrounds/Dragonfly_by_Bolly.jpg")  # 13 megapixels
# With this noise and quality, 12 megapixels are 4 MB as JPEG.
NOISE = 4.5
QUALITY = 92


def make_photo(directory: Path) -> Path:
    """Write the JPEG of 12 megapixels; return it."""
    directory.mkdir(exist_ok=True)
    path = directory / "12-MP.jpg"
    _photo(4000, 3000).jpegsave(str(path), Q=QUALITY, keep="none")
    return path


def make_photos(directory: Path) -> dict[str, Path]:
    """Write all photos; return them by name."""
    directory.mkdir(exist_ok=True)
    files = {}
    for name, width, height in (("12 MP", 4000, 3000), ("48 MP", 8000, 6000)):
        image = _photo(width, height)
        stem = str(directory / name.replace(" ", "-"))
        files[f"{name} JPEG"] = Path(f"{stem}.jpg")
        image.jpegsave(f"{stem}.jpg", Q=QUALITY, keep="none")
        if name == "48 MP":
            files[f"{name} progressive JPEG"] = Path(f"{stem}-progressive.jpg")
            image.jpegsave(f"{stem}-progressive.jpg", Q=QUALITY, interlace=True, keep="none")
            continue
        files[f"{name} PNG"] = Path(f"{stem}.png")
        image.pngsave(f"{stem}.png", compression=6, keep="none")
        files[f"{name} HEIC"] = Path(f"{stem}.heic")
        argv = ["heif-enc", "-q", "60", f"{stem}.jpg", "-o", f"{stem}.heic"]
        subprocess.run(argv, check=True, capture_output=True)
    return files


def with_noise(image: pyvips.Image, seed: int = 1) -> pyvips.Image:
    """Return the image with a sensor's noise."""
    noise = pyvips.Image.gaussnoise(image.width, image.height, sigma=NOISE, mean=0, seed=seed)
    return (image[:3] + noise).cast("uchar").copy(interpretation="srgb").copy_memory()


def _photo(width: int, height: int) -> pyvips.Image:
    return with_noise(
        pyvips.Image.thumbnail(str(WALLPAPER), width, height=height, crop="centre", size="both")
    )
