import { createWriteStream, existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import { buildOrder } from "../../cli/build/build-images.ts";
import type { Monorepo } from "../../cli/project/monorepo.ts";
import type { Service } from "../../components/service/service.ts";
import { buildSecretVariable } from "../../core/names.ts";
import { runProcess } from "../../core/process.ts";
import { baseServices } from "../../cli/affected/base-images.ts";
import { z } from "zod";

/** What has become of the image of a service. */
export type BuildOutcome = { readonly service: string; readonly seconds: number; readonly log: string } & (
  | { readonly digest: string }
  | { readonly problem: string }
);

export interface BuildServicesArgs {
  readonly stateDir: string;
  readonly monorepo: Monorepo;
  readonly services: readonly Service[];
  /** Where `delivery build` finds the stack file. */
  readonly directory: string;
  /** The commit that images are tagged with. */
  readonly commit: string;
  readonly buildKit: { readonly address: string; readonly buildctl: string };
  readonly registry: { readonly username: string; readonly password: string };
  /** The secrets of the stack that builds may take, by name. */
  readonly secrets: Readonly<Record<string, string>>;
  /** Services that cannot be built, and why. */
  readonly hopeless: ReadonlyMap<string, string>;
  readonly onEnd: (outcome: BuildOutcome) => Promise<void> | void;
}

/**
 * Builds the images of services by `delivery build`, as CI does, each in a process of its own: one that fails stops none but
 * those that are made from it.
 */
export async function buildServices(args: BuildServicesArgs): Promise<void> {
  const { stateDir, monorepo, services, hopeless } = args;
  const digests = join(stateDir, "monorepo", "digests");
  rmSync(digests, { recursive: true, force: true });
  mkdirSync(digests, { recursive: true });
  const bases = baseServices(monorepo);
  const failed = new Set<string>();
  const end = async (outcome: BuildOutcome): Promise<void> => {
    if ("problem" in outcome) failed.add(outcome.service);
    await args.onEnd(outcome);
  };
  for (const group of buildOrder(monorepo, services)) {
    const waiting = group.values();
    const worker = async (): Promise<void> => {
      for (const { name: service } of waiting) {
        const base = (bases.get(service) ?? []).find((one) => failed.has(one.service))?.service;
        const problem =
          hopeless.get(service) ?? (base === undefined ? undefined : `is made from ${base}, which is not built`);
        const log = logOf(stateDir, service);
        await end(
          problem === undefined ? await buildOne(service, digests, log, args) : { service, seconds: 0, log, problem },
        );
      }
    };
    // Builds of one language compile the same libraries into one cache; side by side each of them would do it.
    await Promise.all(Array.from({ length: Math.max(1, Math.floor(availableParallelism() / 2)) }, worker));
  }
}

function logOf(stateDir: string, service: string): string {
  return join(stateDir, "logs", `build-${service}.log`);
}

async function buildOne(
  service: string,
  digests: string,
  log: string,
  { directory, commit, buildKit, registry, secrets }: BuildServicesArgs,
): Promise<BuildOutcome> {
  const start = performance.now();
  const output = join(digests, `${service}.json`);
  mkdirSync(dirname(log), { recursive: true });
  const lines: string[] = [];
  const stream = createWriteStream(log);
  const command = [
    join(import.meta.dirname, "../../cli/delivery.js"),
    "build",
    "--env",
    "sandbox",
    "--service",
    service,
  ];
  const options = ["--commit", commit, "--bases", digests, "--output", output];
  const { code } = await runProcess(process.execPath, [...command, ...options], {
    cwd: directory,
    env: {
      ...Object.fromEntries(
        Object.entries(process.env).filter(([name]) => !/^(CIRCLE|DELIVERY|DOCKERHUB)_/.test(name)),
      ),
      PATH: `${dirname(buildKit.buildctl)}:${process.env["PATH"]}`,
      BUILDKIT_HOST: buildKit.address,
      ...Object.fromEntries(Object.entries(secrets).map(([name, value]) => [buildSecretVariable(name), value])),
      DELIVERY_REGISTRY_USERNAME: registry.username,
      DELIVERY_REGISTRY_PASSWORD: registry.password,
    },
    onLine: (line) => {
      stream.write(`${line}\n`);
      lines.push(line);
    },
  });
  stream.end();
  const seconds = (performance.now() - start) / 1000;
  if (code !== 0 || !existsSync(output)) return { service, seconds, log, problem: buildProblem(lines) };
  const { [service]: digest = "" } = digestsSchema.parse(JSON.parse(readFileSync(output, "utf8")));
  return { service, seconds, log, digest };
}

const digestsSchema = z.record(z.string(), z.string());

/** What `delivery build` says at last: the reason, without what it is about. */
export function buildProblem(lines: readonly string[]): string {
  const at = lines.findLastIndex((line) => line.startsWith("error: "));
  const said = (at === -1 ? lines.slice(-1) : lines.slice(at))
    .map((line) => line.trimEnd())
    .filter((line) => line !== "");
  const [first = "it has said nothing", ...rest] = said;
  return [first.replace(/^error: /, "").replace(/^\S+ is not built(?: from \S+)?(?:, tried \d+ times)?: /, ""), ...rest]
    .slice(0, 8)
    .join("\n");
}
