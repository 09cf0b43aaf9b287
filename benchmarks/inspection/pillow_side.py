"""What an inspection publishes, made with Pillow: FILE DIRECTORY QUALITY EFFORT WIDTHS."""

import sys
from pathlib import Path

from PIL import Image, ImageOps

from benchmarks.reports import write_report


def main() -> None:
    """Write the image without its metadata, and WebP files of the given widths."""
    file, directory, quality, effort, widths = sys.argv[1:]
    target = Path(directory)
    with Image.open(file) as stored:
        kind = stored.format
        profile = stored.info.get("icc_profile")
        image = ImageOps.exif_transpose(stored)
    image.info.clear()
    # quality has no meaning for PNG.
    image.save(target / "image", format=kind, quality=90, icc_profile=profile)
    for width in (int(each) for each in widths.split(",")):
        if width < image.width:
            size = width, round(image.height * width / image.width)
            small = image.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)
            small.save(target / f"{width}.webp", quality=int(quality), method=int(effort))
    status = Path("/proc/self/status").read_text()
    write_report({"peak_kib": int(status.split("VmHWM:")[1].split()[0])})


if __name__ == "__main__":
    main()
