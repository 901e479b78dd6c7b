/**
 * The process of the CircleCI stand-in:
 * `node sandbox/stand-ins/circleci/main.ts --port N --state FILE --token-file FILE
 *    [--github FILE] [--job-environment FILE] [--job-tools FILE]`
 *
 * Secrets come in files, since arguments are visible to every user of the machine. The two about jobs are read for each
 * job.
 */
import { readFileSync } from "node:fs";
import { flushCompileCache } from "node:module";
import { parseArgs } from "node:util";
import { z } from "zod";
import { startRemoteDocker } from "../../machine/images/buildkit.ts";
import { startCircleCi, type CircleCiOptions } from "./server.ts";
import { gitHubConnectionSchema, jobToolsSchema, type JobTools } from "./settings.ts";

const usage =
  "usage: node sandbox/stand-ins/circleci/main.ts --port N --state FILE --token-file FILE [--github FILE] [--job-environment FILE] [--job-tools FILE]";
const text = { type: "string" } as const;
const log = (line: string): void => console.log(line);

function options(): CircleCiOptions {
  const { values } = parseArgs({
    options: { port: text, state: text, "token-file": text, github: text, "job-environment": text, "job-tools": text },
    strict: true,
  });
  const { port, state, "token-file": tokenFile, github, "job-environment": environment, "job-tools": tools } = values;
  if (port === undefined || state === undefined || tokenFile === undefined) throw new Error(usage);
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535)
    throw new Error(`--port ${port}: must be a port from 0 to 65535`);
  const jobTools = (): JobTools => (tools === undefined ? {} : readJson(tools, jobToolsSchema));
  return {
    port: Number(port),
    stateFile: state,
    token: readFileSync(tokenFile, "utf8").trim(),
    github: github === undefined ? undefined : readJson(github, gitHubConnectionSchema),
    jobs: {
      imageEnvironment: () =>
        environment === undefined ? {} : readJson(environment, z.record(z.string(), z.string())),
      redis: () => jobTools().redis,
      startRemoteDocker: async () => {
        const { remoteDocker } = jobTools();
        return remoteDocker && startRemoteDocker(remoteDocker, log);
      },
    },
    log,
  };
}

function readJson<T>(file: string, schema: z.ZodType<T>): T {
  return schema.parse(JSON.parse(readFileSync(file, "utf8")));
}

try {
  const circleCi = await startCircleCi(options());
  console.log(`CircleCI stand-in at ${circleCi.url}`);
  flushCompileCache();
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.once(signal, () => void circleCi.close().then(() => process.exit(0)));
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
