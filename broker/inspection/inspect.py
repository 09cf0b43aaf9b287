"""The inspection of one file, from its first bytes to its variants."""

from broker.domain.media_types import EXTENSIONS
from broker.domain.rejections import RejectionReason
from broker.inspection import formats, gif, headers, jpeg, png, webp
from broker.inspection.inspected import Inspected, Rejected, Request

_CLEAN = {
    "image/jpeg": jpeg.clean,
    "image/png": png.clean,
    "image/webp": webp.clean,
    "image/gif": gif.clean,
}


def inspect(request: Request) -> Inspected:
    """Verify, clean or convert, and resize an image. The results are in the request's directory.

    Raise Rejected if the file is not what was declared, has too many pixels or frames, or is
    damaged.
    """
    content_type = formats.detect(request.source)
    if content_type is None:
        raise Rejected(RejectionReason.NOT_AN_IMAGE)
    if not formats.same_type(request.content_type, content_type):
        raise Rejected(RejectionReason.TYPE_MISMATCH, f"the content is {content_type}")
    header = headers.read_header(request.source, content_type, request.max_frames)
    headers.check(header, request)
    # libvips takes 20 ms and 15 MiB to load. Files rejected by their headers do not need it.
    from broker.inspection import publishable

    if content_type in _CLEAN:
        cleaned = request.directory / f"image.{EXTENSIONS[content_type]}"
        _CLEAN[content_type](request.source, cleaned)
        return publishable.from_cleaned(cleaned, content_type, header, request)
    return publishable.from_converted(content_type, request)
