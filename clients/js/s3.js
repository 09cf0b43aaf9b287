// One request to S3, and its answer.
import { cleaned } from "./records.js";

const S3_ERROR = /^\s*(<\?xml[^>]*>\s*)?<Error[\s>][\s\S]*?<Code>[^<]+<\/Code>/;
const S3_RESULT = /^\s*(<\?xml[^>]*>\s*)?<PostResponse[\s>]/;
const S3_HEADERS = ["etag", "x-amz-request-id"];
const PAGE = /<html[\s>]/i;

/**
 * Check whether S3 answered, and not a captive portal or a proxy in between.
 *
 * S3 answers an error with a document that has a code. The document's request id is not required,
 * because Cloudflare R2 and Garage send none. A success has an ETag, a request id, or a form's
 * document. A captive portal's page may have an ETag too. If the page may not read S3's headers, a
 * success without a body is accepted: the confirm finds out whether the object is there.
 */
export function isFromS3({ status, text, headers }) {
  if (!(status >= 200 && status < 300)) return S3_ERROR.test(text ?? "");
  if (!text || S3_RESULT.test(text)) return true;
  return S3_HEADERS.some((name) => headers.has(name)) && !PAGE.test(text.slice(0, 1000));
}

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

/** Send to S3. Returns status, text and headers of the answer; the status is 0 if there was no answer. */
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
      const names = request.getAllResponseHeaders().toLowerCase().match(/^[^:]+/gm); // those that the page may read
      resolve({ status: request.status, text: request.responseText, headers: new Set(names) });
    };
    signal.addEventListener("abort", stop);
    alive();
    request.send(body);
    if (signal.aborted) stop();
  });
}

async function sendByFetch({ method, url, headers, body, signal }) {
  try {
    const answer = await fetch(url, { method, headers, body, signal, redirect: "manual" }); // as signed, or not at all
    return { status: answer.status, text: await answer.text(), headers: answer.headers };
  } catch {
    return { status: 0, text: "" };
  }
}
