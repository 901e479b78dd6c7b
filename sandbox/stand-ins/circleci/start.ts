import { join } from "node:path";
import { z } from "zod";
import { choosePort } from "../../machine/ports.ts";
import { writePrivate } from "../../machine/private-file.ts";
import { nodeProgram, startProcess } from "../../machine/process.ts";
import { writeSecretFile } from "../secrets.ts";
import type { GitHubConnection, JobTools } from "./settings.ts";

export interface CircleCiEndpoint {
  /** The API's base URL, as the provider's `host` takes it. */
  url: string;
  /** The organization that this sandbox has there. */
  organizationId: string;
}

interface CircleCiStandInOptions {
  stateDir: string;
  /** The requested port: used if it is free. */
  port: number;
  token: string;
  /** Its webhooks start pipelines, and it gets the statuses of their jobs. @default none */
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
  const { stateDir, token, github } = options;
  const port = await choosePort(stateDir, "circleci", options.port);
  const url = `http://localhost:${port}/api/v2`;
  const headers = { "Circle-Token": token, "Content-Type": "application/json" };
  // These are read for each job.
  const jobFile = (name: string, content: unknown): string =>
    writePrivate(join(stateDir, `circleci-${name}`), JSON.stringify(content ?? {}));
  const cache = process.env["XDG_CACHE_HOME"];
  await startProcess(stateDir, {
    name: "circleci",
    ...nodeProgram(
      join(import.meta.dirname, "main.ts"),
      [
        `--port=${port}`,
        `--state=${join(stateDir, "circleci.json")}`,
        `--token-file=${writePrivate(join(stateDir, "circleci-token"), token)}`,
        `--job-environment=${jobFile("job-environment", options.jobEnvironment)}`,
        `--job-tools=${jobFile("job-tools", options.jobTools)}`,
        ...(github === undefined
          ? []
          : [`--github=${writeSecretFile(stateDir, "circleci-github", JSON.stringify(github))}`]),
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
