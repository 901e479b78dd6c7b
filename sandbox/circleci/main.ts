/**
 * The process of the CircleCI stand-in:
 * `node sandbox/circleci/main.ts --port N --state FILE --token-file FILE`
 */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { startCircleCi } from "./server.ts";

const usage = "usage: node sandbox/circleci/main.ts --port N --state FILE --token-file FILE";

function options(): { port: number; stateFile: string; token: string } {
  const { values } = parseArgs({
    options: { port: { type: "string" }, state: { type: "string" }, "token-file": { type: "string" } },
    strict: true,
  });
  const { port, state, "token-file": tokenFile } = values;
  if (port === undefined || state === undefined || tokenFile === undefined) throw new Error(usage);
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535)
    throw new Error(`--port ${port}: must be a port from 0 to 65535`);
  // The token comes in a file, since arguments are visible to every user of the machine.
  return { port: Number(port), stateFile: state, token: readFileSync(tokenFile, "utf8").trim() };
}

try {
  const circleCi = await startCircleCi({ ...options(), log: (line) => console.log(line) });
  console.log(`CircleCI stand-in at ${circleCi.url}`);
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.once(signal, () => void circleCi.close().then(() => process.exit(0)));
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
