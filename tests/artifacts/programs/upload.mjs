// Uploads photo.jpg with the installed client; prints where the client is, and the photo's URL.
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { Broker } from "@upload-broker/client";

const { BROKER_URL, TOKEN, AD } = process.env;
const file = new File([await readFile("photo.jpg")], "photo.jpg", { type: "image/jpeg" });
const broker = new Broker({ baseUrl: BROKER_URL, token: TOKEN });
const image = await broker.upload(file, { ad: Number(AD), altText: "JavaScript" });
const client = fileURLToPath(import.meta.resolve("@upload-broker/client"));
console.log(JSON.stringify({ client, url: image.image_url }));
