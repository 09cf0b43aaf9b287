// What the broker's inspection publishes, made with sharp: the image without its metadata, which
// sharp must encode again for that, and WebP files of the given widths.
// node inspect.mjs FILE DIRECTORY QUALITY EFFORT WIDTHS TIMES
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import sharp from "sharp";

sharp.concurrency(1);
sharp.cache(false);

const [file, directory, quality, effort, widths, times] = process.argv.slice(2);
const webp = { quality: Number(quality), effort: Number(effort) };

async function inspect() {
  const whole = sharp(file, { failOn: "warning" }).autoOrient().keepIccProfile();
  const encoded = file.endsWith(".png") ? whole.png() : whole.jpeg({ quality: 90 });
  await encoded.toFile(join(directory, "image"));
  const { autoOrient } = await sharp(file).metadata();
  for (const width of widths.split(",").map(Number).filter((each) => each < autoOrient.width)) {
    const small = sharp(file, { failOn: "warning" }).autoOrient().resize({ width });
    await small.webp(webp).toFile(join(directory, `${width}.webp`));
  }
}

mkdirSync(directory, { recursive: true });
const seconds = [];
for (let time = 0; time < Number(times); time += 1) {
  const began = process.cpuUsage();
  await inspect();
  const used = process.cpuUsage(began);
  seconds.push((used.user + used.system) / 1e6);
}
const peak = Number(/VmHWM:\s+(\d+)/.exec(readFileSync("/proc/self/status", "utf8"))[1]);
console.log(`REPORT ${JSON.stringify({ seconds, peak_kib: peak })}`);
