// For the page's <img>: `srcset`, and a placeholder until the picture is loaded.

/** Return `srcset` for an image: its variants, and the image itself if it is wider. Empty if it has none, or no URLs. */
export function srcsetOf({ image_url, url = image_url, width, variants = [] }) {
  if (!variants.length || !url || variants.some((one) => !one.url)) return "";
  const widest = Math.max(...variants.map((one) => one.width));
  const all = width > widest ? [...variants, { url, width }] : variants;
  return all.map((one) => `${one.url} ${one.width}w`).join(", ");
}

/** Return a tiny blurred picture of an image as a `data:` URL, or null if the image has no valid thumbhash. */
export function placeholderOf({ thumbhash }) {
  try {
    return thumbhash ? pngOf(pictureOf(Uint8Array.from(atob(thumbhash), (byte) => byte.charCodeAt(0)))) : null;
  } catch {
    return null;
  }
}

const SIZE = 32; // pixels of the longer side

/**
 * Decode a thumbhash (https://evanw.github.io/thumbhash/): the lowest frequencies of the picture's
 * cosine transform. L is the luminance, P is yellow against blue, Q is red against green, A is opacity.
 */
function pictureOf(hash) {
  const bits = (from, count) => {
    let value = 0;
    for (let i = 0; i < count; i++) {
      const byte = hash[(from + i) >> 3];
      if (byte === undefined) throw new RangeError("The thumbhash is too short.");
      value += ((byte >> ((from + i) & 7)) & 1) << i;
    }
    return value;
  };
  const hasAlpha = bits(23, 1), isLandscape = bits(39, 1);
  const longer = hasAlpha ? 5 : 7, shorter = bits(24, 3);
  const [columns, rows] = isLandscape ? [longer, shorter] : [shorter, longer];
  let at = hasAlpha ? 48 : 40;
  /** Read the terms of one channel: the constant one, and those of the triangle of low frequencies. */
  const channel = (nx, ny, constant, scale) => {
    const terms = [{ x: 0, y: 0, weight: constant }];
    for (let y = 0; y < ny; y++) {
      for (let x = y ? 0 : 1; x * ny < nx * (ny - y); x++, at += 4) {
        terms.push({ x, y, weight: (bits(at, 4) / 7.5 - 1) * scale * 2 });
      }
    }
    return terms;
  };
  const l = channel(Math.max(3, columns), Math.max(3, rows), bits(0, 6) / 63, bits(18, 5) / 31);
  const p = channel(3, 3, bits(6, 6) / 31.5 - 1, bits(27, 6) / 63 * 1.25);
  const q = channel(3, 3, bits(12, 6) / 31.5 - 1, bits(33, 6) / 63 * 1.25);
  const a = hasAlpha ? channel(5, 5, bits(40, 4) / 15, bits(44, 4) / 15) : [{ x: 0, y: 0, weight: 1 }];

  const ratio = columns / rows;
  const width = Math.round(ratio > 1 ? SIZE : SIZE * ratio), height = Math.round(ratio > 1 ? SIZE / ratio : SIZE);
  const waves = (length) => Array.from({ length: 7 }, (_, frequency) =>
    Array.from({ length }, (_, place) => Math.cos(Math.PI * frequency * (place + 0.5) / length)));
  const across = waves(width), down = waves(height);
  const pixels = [];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const sum = (terms) => terms.reduce((all, one) => all + one.weight * across[one.x][x] * down[one.y][y], 0);
      const blue = sum(l) - sum(p) * 2 / 3, red = (3 * sum(l) - blue + sum(q)) / 2;
      pixels.push(...[red, red - sum(q), blue, sum(a)].map((value) => Math.round(255 * Math.min(1, Math.max(0, value)))));
    }
  }
  return { width, height, pixels };
}

/** Return a PNG as a `data:` URL. Its pixels are not compressed. */
function pngOf({ width, height, pixels }) {
  const rows = [];
  for (let y = 0; y < height; y++) rows.push(0, ...pixels.slice(y * width * 4, (y + 1) * width * 4)); // 0: no filter
  const length = rows.length;
  // zlib (RFC 1950): its header, one stored block, Adler-32.
  const data = [0x78, 0x01, 1, length & 255, length >> 8, ~length & 255, (~length >> 8) & 255, ...rows, ...big(adler32(rows))];
  const header = [...big(width), ...big(height), 8, 6, 0, 0, 0]; // 8 bits a channel, RGBA
  const bytes = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, ...chunk("IHDR", header), ...chunk("IDAT", data), ...chunk("IEND", [])];
  return `data:image/png;base64,${btoa(String.fromCharCode(...bytes))}`;
}

function chunk(name, data) {
  const named = [...[...name].map((letter) => letter.charCodeAt(0)), ...data];
  return [...big(data.length), ...named, ...big(crc32(named))];
}

function big(value) {
  return [24, 16, 8, 0].map((shift) => (value >>> shift) & 255);
}

function crc32(bytes) {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let i = 0; i < 8; i++) crc = (crc >>> 1) ^ (crc & 1 && 0xedb88320);
  }
  return ~crc;
}

function adler32(bytes) {
  let one = 1, two = 0;
  for (const byte of bytes) two = (two + (one = (one + byte) % 65521)) % 65521;
  return two * 65536 + one;
}
