import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { choosePort } from "../../machine/ports.ts";
import { nodeProgram, startProcess } from "../../machine/process.ts";
import type { GitHubConnection, JobTools } from "./settings.ts";

export interface CircleCiEndpoint {
  /** The API's base URL, as the provider's `host` takes it. */
  url: string;
  /** The organization that this sandbox has there. */
  organizationId: string;
}

export interface CircleCiStandInOptions {
  stateDir: string;
  /** The wanted port: taken if it is free. */
  port: number;
  token: string;
  /** Whose webhooks start pipelines, and who is told how their jobs end. @default nobody */
  github?: GitHubConnection;
  /** Variables of the executor's image, such as PATH. @default none */
  jobEnvironment?: Readonly<Record<string, string>>;
  /** What jobs may use of the sandbox. @default nothing */
  jobTools?: JobTools;
}

const organizationSchema = z.object({ id: z.string() });
const organizationName = "delinkcious";

/** Starts the stand-in for CircleCI, and opens an organization there as one does by hand at the real one. */
export async function startCircleCiStandIn(options: CircleCiStandInOptions): Promise<CircleCiEndpoint> {
  const { stateDir, token } = options;
  const port = await choosePort(stateDir, "circleci", options.port);
  const url = `http://localhost:${port}/api/v2`;
  const headers = { "Circle-Token": token, "Content-Type": "application/json" };
  const files = {
    token,
    "job-environment": JSON.stringify(options.jobEnvironment ?? {}),
    "job-tools": JSON.stringify(options.jobTools ?? {}),
    ...(options.github === undefined ? {} : { github: JSON.stringify(options.github) }),
  };
  const cache = process.env["XDG_CACHE_HOME"];
  await startProcess(stateDir, {
    name: "circleci",
    ...nodeProgram(
      join(import.meta.dirname, "main.ts"),
      [
        "--port",
        String(port),
        "--state",
        join(stateDir, "circleci.json"),
        ...Object.entries(files).flatMap(([name, content]) => [
          name === "token" ? "--token-file" : `--${name}`,
          secretFile(stateDir, name, content),
        ]),
      ],
      // Where the sandbox's tools and images are.
      cache === undefined ? {} : { XDG_CACHE_HOME: cache },
    ),
    ready: async () => (await fetch(`${url}/me`, { headers })).ok,
  });
  const mine = z
    .array(organizationSchema.extend({ name: z.string() }))
    .parse(await (await fetch(`${url}/me/collaborations`, { headers })).json());
  const known = mine.find(({ name }) => name === organizationName);
  if (known !== undefined) return { url, organizationId: known.id };
  const body = JSON.stringify({ name: organizationName, vcs_type: "circleci" });
  const made = await fetch(`${url}/organization`, { method: "POST", headers, body });
  return { url, organizationId: organizationSchema.parse(await made.json()).id };
}

/**
 * Arguments are visible to every user of the machine, files with this mode to their owner only. What is read once changes
 * its name with its content, so that a running process with another is replaced; the rest is read for each job.
 */
function secretFile(stateDir: string, name: string, content: string): string {
  const hash = createHash("sha256").update(content).digest("hex").slice(0, 8);
  const path = join(stateDir, name === "github" ? `circleci-github-${hash}.json` : `circleci-${name}`);
  writeFileSync(path, content, { mode: 0o600 });
  return path;
}
