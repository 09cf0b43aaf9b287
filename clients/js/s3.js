// One request to S3, and what its answer says.
import { cleaned } from "./records.js";

/** Give S3's `Code` and `Message`, fit to be reported. */
export function s3ErrorOf({ status, text }) {
  const find = (name) => new RegExp(`<${name}>([\\s\\S]*?)</${name}>`).exec(text ?? "")?.[1] ?? "";
  const plain = (xml) => xml.replace(/&(lt|gt|quot|apos|amp);/g, (_, name) => ENTITIES[name]);
  const refused = /(?![\n\r\t])[\p{Cc}\p{Cs}]/gu;
  return {
    code: cleaned(plain(find("Code")), /[\p{Cc}\p{Cs}]/gu, 100) || `HTTP${status}`,
    message: cleaned(plain(find("Message")), refused, 1000),
  };
}
const ENTITIES = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };

/** Build the body of a ticket: the form's fields first and the file last, or the bare bytes. */
export function bodyOf({ method, fields }, blob) {
  if (method !== "POST") return blob;
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  form.append("file", blob, "file");
  return form;
}

/** Send to S3; gives status and text, and status 0 where no answer came. */
export function send(target, blob, { signal, onLoaded, stall }) {
  const { method = "PUT", url, headers = {} } = target;
  const body = bodyOf({ ...target, method }, blob);
  if (typeof XMLHttpRequest === "undefined") return sendByFetch({ method, url, headers, body, signal });
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    const stop = () => request.abort();
    let watch;
    const alive = () => {
      clearTimeout(watch);
      watch = setTimeout(stop, stall); // a connection that has died without a word
    };
    request.open(method, url);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.onprogress = ({ loaded, total }) => {
      alive();
      if (loaded) onLoaded(Math.round(blob.size * loaded / total)); // total has the form's fields, too
    };
    request.onloadend = () => {
      clearTimeout(watch);
      signal.removeEventListener("abort", stop);
      resolve({ status: request.status, text: request.responseText });
    };
    signal.addEventListener("abort", stop);
    alive();
    request.send(body);
    if (signal.aborted) stop();
  });
}

async function sendByFetch({ method, url, headers, body, signal }) {
  try {
    const answer = await fetch(url, { method, headers, body, signal });
    return { status: answer.status, text: await answer.text() };
  } catch {
    return { status: 0, text: "" };
  }
}
