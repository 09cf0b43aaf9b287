"""Convert pixels to sRGB, 8 bits a channel, which is what files without a profile mean."""

import pyvips

PROFILE = "icc-profile-data"


def to_srgb(image: pyvips.Image) -> pyvips.Image:
    """Return an image in sRGB. Nothing is computed yet.

    The ICC profile in the image decides what its numbers mean. Without one, or with one that fits
    no such image, they mean sRGB, grey or common CMYK.
    """
    if image.get_typeof(PROFILE):
        try:
            return _without_profile(image.icc_transform("srgb", embedded=True))
        except pyvips.Error:
            image = _without_profile(image)
    if image.interpretation == "cmyk":
        return _without_profile(image.icc_transform("srgb", input_profile="cmyk"))
    return image if image.interpretation == "srgb" else image.colourspace("srgb")


def _without_profile(image: pyvips.Image) -> pyvips.Image:
    image = image.copy()
    image.remove(PROFILE)
    return image
