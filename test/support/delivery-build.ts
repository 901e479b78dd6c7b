import { spawn } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { parse } from "yaml";
import { z } from "zod";
import { sandboxSettings } from "../../sandbox/machine/endpoints.ts";

const root = join(import.meta.dirname, "..", "..");
const stackSchema = z.object({ config: z.record(z.string(), z.unknown()) });

/** Where the CLI builds: a BuildKit with its client, and a registry with its password. */
export interface BuildEndpoints {
  readonly buildKit: { readonly address: string; readonly buildctl: string };
  /** As image names have it, e.g. `localhost:5001`. */
  readonly registryHost: string;
  readonly password: string;
}

/** A program beside a copy of the example app, whose sandbox stack names another registry. */
export function exampleProgram(directory: string, registryHost: string): void {
  cpSync(join(root, "examples/delinkcious"), join(directory, "examples/delinkcious"), { recursive: true });
  writeStackFile(directory, registryHost, {});
}

/** A program beside an app of these files, with the example's settings but for its name. */
export function appProgram(
  directory: string,
  registryHost: string,
  name: string,
  files: Readonly<Record<string, string>>,
): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name, path)), { recursive: true });
    writeFileSync(join(directory, name, path), content);
  }
  writeStackFile(directory, registryHost, { "delivery:app": { name, directory: name } });
}

function writeStackFile(directory: string, registryHost: string, settings: Readonly<Record<string, unknown>>): void {
  mkdirSync(join(directory, "stacks"), { recursive: true });
  const { config } = stackSchema.parse(parse(readFileSync(join(root, "stacks/Pulumi.sandbox.yaml"), "utf8")));
  const images = z.record(z.string(), z.unknown()).parse(config["delivery:images"]);
  const changed = { ...config, "delivery:images": { ...images, registry: registryHost }, ...settings };
  // JSON is YAML.
  writeFileSync(join(directory, "stacks/Pulumi.sandbox.yaml"), JSON.stringify({ config: changed }));
}

/** Runs `delivery build` for the sandbox stack as CI does; without a password it has no login. */
export async function deliveryBuild(
  directory: string,
  { buildKit, password }: Omit<BuildEndpoints, "registryHost">,
  args: readonly string[],
  variables: Readonly<Record<string, string>> = {},
) {
  const main = join(root, "cli/delivery.js");
  const login =
    password === "" ? {} : { DOCKERHUB_USERNAME: sandboxSettings().images.username, DOCKERHUB_PASSWORD: password };
  const child = spawn(process.execPath, [main, "build", "--env", "sandbox", ...args], {
    cwd: directory,
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      PATH: [dirname(buildKit.buildctl), process.env["PATH"]].join(delimiter),
      HOME: directory,
      BUILDKIT_HOST: buildKit.address,
      ...login,
      ...variables,
    },
  });
  const [output, errors, status] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise((done) => child.once("close", done)),
  ]);
  return { status, output, errors };
}
