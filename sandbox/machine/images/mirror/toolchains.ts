import { existsSync, readFileSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import { z } from "zod";
import { run } from "../../command.ts";

/** The release that the example's Dockerfiles name. A newer Go of the machine answers to it too. */
const goRelease = "1.26";
const goVersion = "1.26.8";

/** What of this machine's compilers and interpreters the base images are made from. */
export const toolchainsSchema = z.object({
  /** Folder and version of the Go distribution. */
  go: z.object({ root: z.string(), version: z.string() }),
  /** Node.js of this process, and the folder of npm's package; missing: npm is not there as its maker ships it. */
  node: z.object({ path: z.string(), version: z.string(), npm: z.string(), npmVersion: z.string() }).optional(),
});
export type Toolchains = z.infer<typeof toolchainsSchema>;

/** @throws Error when there is no Go */
export async function findToolchains(): Promise<Toolchains> {
  const [go, npm] = await Promise.all([findGo(), findNpm()]);
  const node = { path: process.execPath, version: process.versions.node };
  return npm === undefined ? { go } : { go, node: { ...node, npm: npm.folder, npmVersion: npm.version } };
}

async function findGo(): Promise<Toolchains["go"]> {
  const local = await goEnvironment({ GOTOOLCHAIN: "local" }).catch((error: unknown) => {
    throw new Error(
      `The base image golang:${goRelease} is made from this machine's Go, and "go" does not run here: install Go ${goRelease} (https://go.dev/dl) and have it on PATH.`,
      { cause: error },
    );
  });
  if (minorOf(local.version) >= minorOf(goRelease)) return local;
  return goEnvironment({ GOTOOLCHAIN: `go${goVersion}` });
}

function minorOf(version: string): number {
  return Number(version.split(".")[1]);
}

async function goEnvironment(env: Record<string, string>): Promise<Toolchains["go"]> {
  const inherited = Object.fromEntries(
    Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
  const output = await run("go", ["env", "GOROOT", "GOVERSION"], {
    env: { ...inherited, GOWORK: "off", ...env },
    timeoutSeconds: 300,
  });
  const [root = "", version = ""] = output.split("\n");
  return { root, version: version.replace(/^go/, "") };
}

const npmSchema = z.object({
  name: z.literal("npm"),
  version: z.string(),
  bundleDependencies: z.array(z.string()).min(1),
});

/** Distributions of Linux take npm apart, and it would not run in an image: then it is as if there were none. */
async function findNpm(): Promise<{ folder: string; version: string } | undefined> {
  const command = await run("sh", ["-c", "command -v npm"]).catch(() => "");
  if (command === "") return undefined;
  const folder = dirname(dirname(realpathSync(command.trim())));
  const manifest = join(folder, "package.json");
  const read = npmSchema.safeParse(existsSync(manifest) ? JSON.parse(readFileSync(manifest, "utf8")) : undefined);
  const isComplete = read.data?.bundleDependencies.every((name) => existsSync(join(folder, "node_modules", name)));
  return read.data !== undefined && isComplete === true ? { folder, version: read.data.version } : undefined;
}
