"""Decode an image and make all files that may be published. This module loads libvips."""

from pathlib import Path

from broker.inspection.convert import decoded, write_jpeg
from broker.inspection.decode import decode
from broker.inspection.headers import Header
from broker.inspection.inspected import Inspected, Request
from broker.inspection.libvips import set_up
from broker.inspection.output import describe
from broker.inspection.resize import resized
from broker.inspection.variant_sizes import variant_sizes
from broker.inspection.variants import write_variants

# An image without variants is decoded at this width, which its placeholder needs.
_SMALLEST = 100


def from_cleaned(path: Path, content_type: str, header: Header, request: Request) -> Inspected:
    """Decode a cleaned file, which stays as it is, and make its variants.

    Raise Rejected if its data is damaged or incomplete.
    """
    set_up()
    width, height = header.upright_size
    sizes = variant_sizes(width, height, request.variant_widths)
    widest = sizes[0][0] if sizes else min(width, _SMALLEST)
    image = decode(path, content_type, header, widest)
    variants, placeholder = write_variants(image, sizes, request.directory)
    published = describe(path, content_type, width, height)
    return Inspected(image=published, thumbhash=placeholder, variants=variants)


def from_converted(content_type: str, request: Request) -> Inspected:
    """Convert a file to JPEG and make its variants from the same pixels.

    Raise Rejected if its data is damaged.
    """
    set_up()
    path = request.directory / "image.jpg"
    with decoded(request.source, content_type) as image:
        write_jpeg(image, path)
        width, height = image.width, image.height
        sizes = variant_sizes(width, height, request.variant_widths)
        rendition = resized(image, *(sizes[0] if sizes else (width, height))).copy_memory()
    variants, placeholder = write_variants(rendition, sizes, request.directory)
    published = describe(path, "image/jpeg", width, height)
    return Inspected(image=published, thumbhash=placeholder, variants=variants)
