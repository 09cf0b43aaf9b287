// The alt text and order of an image that an earlier upload has recorded.

/** Set what the options say and the image lacks, and return the image. A failure is ignored. */
export async function describe(wire, path, image, { altText, order }, { signal, waiting }) {
  const changes = {};
  if (altText && altText !== image.alt_text) changes.alt_text = altText;
  if ((order ?? image.order) !== image.order) changes.order = order;
  if (!Object.keys(changes).length) return image;
  try {
    const { alt_text, order: place } = await wire.api("PATCH", path, { body: changes, signal, waiting });
    return { ...image, alt_text, order: place };
  } catch (error) {
    if (signal.aborted) throw error;
    return image;
  }
}
