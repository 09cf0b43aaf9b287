// A published image in an <img>: its placeholder, then the smallest version that fits.
import { placeholderOf, srcsetOf } from "./client/broker.js";

/** Show an image. `sizes` is the width at which it is displayed, as in the attribute of the same name. */
export function showPicture(element, image, sizes) {
  const placeholder = placeholderOf(image);
  element.style.backgroundImage = placeholder ? `url(${placeholder})` : "";
  element.sizes = sizes;
  element.srcset = srcsetOf(image);
  element.src = image.image_url;
}

/** Return the URL of the smallest version of an image that is at least `width` pixels wide. */
export function urlFor(image, width) {
  return image.variants.find((one) => one.width >= width)?.url ?? image.image_url;
}
