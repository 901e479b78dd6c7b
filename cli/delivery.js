#!/usr/bin/env node
import module from "node:module";
import { join } from "node:path";

const program = join(import.meta.dirname, "..");

/** Why the program cannot run: a fresh clone has neither its packages nor, among them, the Node.js that npx then takes. */
function problem() {
  if (Number.parseInt(process.versions.node, 10) < 24)
    return `Node.js 24 or newer is needed, and this is ${process.version}; \`npm ci\` in ${program} brings one, which \`npx delivery\` takes`;
  try {
    module.createRequire(import.meta.url).resolve("zod");
    return undefined;
  } catch {
    return `the npm packages of this program are missing; run \`npm ci\` in ${program}`;
  }
}

// This file alone is JavaScript. What is loaded before the cache is switched on is compiled anew at every call, and to strip
// types Node loads a compiler of its own first: together more than half of the time that a call took to start.
// CI caches node_modules; `portable` makes the entries valid for a checkout in another directory.
const found = problem();
if (found === undefined) {
  module.enableCompileCache({ directory: join(program, "node_modules/.cache/delivery"), portable: true });
  await import("./main.ts");
} else {
  console.error(`error: ${found}`);
  process.exitCode = 1;
}
