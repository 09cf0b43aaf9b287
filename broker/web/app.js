// The page: ticket, direct upload, confirm. No byte of the photo goes to the broker.
const byId = (id) => document.getElementById(id);
let token = null;

async function api(path, body) {
  const headers = { Authorization: `Bearer ${token}` };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const answer = await fetch(path, { method: "POST", headers, body: body && JSON.stringify(body) });
  const json = await answer.json();
  if (!answer.ok) throw new Error(`${json.title}: ${json.detail}`);
  return json;
}

async function sha256(file) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", await file.arrayBuffer()));
  return btoa(String.fromCharCode(...digest));
}

async function upload(file) {
  const say = (text) => { byId("status").textContent = text; };
  say("Asking for a ticket …");
  const ad = await api("/api/ads/", { title: file.name.slice(0, 200) || "Photo", price: "1.00" });
  const ticket = await api(`/api/ads/${ad.id}/upload_image/`, {
    file_name: file.name, content_type: file.type, size: file.size, checksum_sha256: await sha256(file), transport: "post",
  });
  say("Sending to the bucket …");
  const form = new FormData();
  for (const [name, value] of Object.entries(ticket.upload.fields)) form.append(name, value);
  form.append("file", file);
  const sent = await fetch(ticket.upload.url, { method: "POST", body: form });
  if (!sent.ok) throw new Error(`The bucket answered ${sent.status}.`);
  const image = await api(ticket.confirm_url);
  byId("image").src = image.image_url;
  byId("link").href = byId("link").textContent = image.image_url;
  byId("shown").hidden = false;
  say("Done.");
}

function signedIn(value) {
  token = value;
  byId("sign-in").hidden = true;
  byId("file").disabled = false;
}

byId("file").addEventListener("change", (event) => {
  const [file] = event.target.files;
  if (file) upload(file).catch((error) => { byId("status").textContent = error.message; });
});
byId("sign-in").addEventListener("submit", (event) => {
  event.preventDefault();
  signedIn(byId("token").value.trim());
});

const dev = await fetch("/dev/token");
if (dev.ok) signedIn((await dev.json()).token);
else byId("sign-in").hidden = false;
