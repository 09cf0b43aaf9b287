// One request to S3, and its answer.
import { cleaned } from "./records.js";

/** Return S3's `Code` and `Message`, in the form in which they can be reported to the broker. */
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

/** Return the request body for a ticket: a form with the file last, or the bytes alone. */
export function bodyOf({ method, fields }, blob) {
  if (method !== "POST") return blob;
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  const type = fields["Content-Type"] ?? blob.type;
  // The browser may have another name for the type, or none.
  form.append("file", blob.type === type ? blob : blob.slice(0, blob.size, type), "file");
  return form;
}

/** Send to S3. Returns status and text of the answer; the status is 0 if there was no answer. */
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
      watch = setTimeout(stop, stall); // a dead connection may cause no error
    };
    request.open(method, url);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.onprogress = ({ loaded, total }) => {
      alive();
      if (loaded) onLoaded(Math.round(blob.size * loaded / total)); // total includes the form's fields
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
