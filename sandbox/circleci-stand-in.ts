import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { choosePort } from "./ports.ts";
import { startProcess } from "./process.ts";

export interface CircleCiEndpoint {
  /** The API's base URL, as the provider's `host` takes it. */
  url: string;
  /** The organization that this sandbox has there. */
  organizationId: string;
}

const organizationSchema = z.object({ id: z.string() });
const organizationName = "delinkcious";

/** Starts the stand-in for CircleCI's API, and opens an organization there as one does by hand at the real one. */
export async function startCircleCiStandIn(options: {
  stateDir: string;
  port: number;
  token: string;
}): Promise<CircleCiEndpoint> {
  const { stateDir, token } = options;
  const port = await choosePort(stateDir, "circleci", options.port);
  const tokenFile = join(stateDir, "circleci-token");
  writeFileSync(tokenFile, token, { mode: 0o600 });
  const url = `http://localhost:${port}/api/v2`;
  const headers = { "Circle-Token": token, "Content-Type": "application/json" };
  await startProcess(stateDir, {
    name: "circleci",
    command: process.execPath,
    args: [
      join(import.meta.dirname, "circleci", "main.ts"),
      "--port",
      String(port),
      "--state",
      join(stateDir, "circleci.json"),
      "--token-file",
      tokenFile,
    ],
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
