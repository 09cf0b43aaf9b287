// A page of ads with the first picture of each, two beside each other.
import { placeholderOf, srcsetOf } from "/client/pictures.js";

const query = new URLSearchParams(location.search);
const original = query.get("pictures") === "originals";

/** Show an ad. Resolves to the URL of its picture when this is loaded. */
function show({ title, images: [image] }) {
  return new Promise((resolve, reject) => {
    const picture = new Image(image.width, image.height);
    picture.onload = () => resolve(picture.currentSrc);
    picture.onerror = () => reject(new Error(picture.currentSrc));
    picture.alt = image.alt_text;
    picture.style.background = `center / cover url("${placeholderOf(image) ?? ""}")`;
    if (!original) {
      picture.sizes = "50vw";
      picture.srcset = srcsetOf(image);
    }
    picture.src = image.image_url;
    const figure = document.createElement("figure"), caption = document.createElement("figcaption");
    caption.textContent = title;
    figure.append(picture, caption);
    document.querySelector("main").append(figure);
  });
}

async function load() {
  const answer = await fetch(`${query.get("api")}/api/ads/?limit=${query.get("limit")}`);
  const { results } = await answer.json();
  const pictures = await Promise.all(results.map(show));
  return { seconds: performance.now() / 1000, pictures };
}

globalThis.ended = load();
