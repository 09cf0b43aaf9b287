// This does the work of a bundler's Vue plugin: it joins a component's script and template into one
// module.
import { readFileSync } from "node:fs";
import { compileScript, parse } from "vue/compiler-sfc";

const { descriptor, errors } = parse(readFileSync(0, "utf8"), { filename: "AddPhotos.vue" });
if (errors.length) throw errors[0];
process.stdout.write(compileScript(descriptor, { id: "add-photos", inlineTemplate: true }).content);
