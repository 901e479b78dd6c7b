import { execFileSync } from "node:child_process";
import { appendFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { z } from "zod";
import { outputOf } from "../core/process.ts";
import { ensureCredentials } from "../sandbox/machine/credentials.ts";
import { sandboxSettings } from "../sandbox/machine/endpoints.ts";
import { startBuildKit, stopBuildKit } from "../sandbox/machine/images/buildkit.ts";
import { packageSources } from "../sandbox/machine/images/mirror/start.ts";
import { startRegistry } from "../sandbox/machine/images/registry.ts";
import { choosePort } from "../sandbox/machine/ports.ts";
import { stopAllProcesses } from "../sandbox/machine/process.ts";
import { debianTools } from "../sandbox/machine/tools/debian-tools.ts";
import { buildTools } from "../sandbox/machine/tools/go-tools.ts";
import { deliveryBuild, exampleProgram, type BuildEndpoints } from "../test/support/delivery-build.ts";
import { buildBaseline } from "./baseline.ts";
import type { Figure } from "./figure.ts";

const outputSchema = z.object({ images: z.array(z.object({ service: z.string() })) });

/**
 * How long images take when one of the example's five services has changed: building what has changed, against the baseline.
 * Both begin with an empty BuildKit, as an executor of CI does that keeps no layers.
 */
export async function benchBuild(report: (line: string) => void): Promise<Figure[]> {
  const directory = mkdtempSync(join(tmpdir(), "delivery-bench-build-"));
  await using location = await startBuilder(join(directory, "state"), report);
  return await measureBuilds(join(directory, "shop"), location, report);
}

/**
 * The measurement itself, in a directory that is not there yet.
 * @param empty whether each build begins with an empty BuildKit
 */
export async function measureBuilds(
  shop: string,
  location: BuildEndpoints,
  report: (line: string) => void,
  empty = true,
): Promise<Figure[]> {
  exampleProgram(shop, location.registryHost);
  const git = (...args: string[]): string =>
    execFileSync("git", ["-c", "user.name=bench", "-c", "user.email=bench@localhost", ...args], {
      cwd: shop,
      encoding: "utf8",
    }).trim();
  git("init", "--quiet", "--initial-branch=main");
  const commit = (message: string): string => {
    appendFileSync(join(shop, "examples/delinkcious/svc/link_service/main.go"), `\nvar _ = "${message}"\n`);
    git("add", "--all");
    git("commit", "--quiet", `--message=${message}`);
    return git("rev-parse", "HEAD");
  };
  const base = commit("the example");
  // The cache that the commit before has left in the registry.
  await buildChanged(shop, location, ["--service", "link"]);
  commit("what has changed");
  const { seconds, result: services } = await timed(location, empty, () =>
    buildChanged(shop, location, ["--from", base]),
  );
  commit("the baseline");
  const baseline = await timed(location, empty, () => buildBaseline(shop, location));
  report(
    `1 of 5 services changed: built ${services.join(", ")} in ${seconds.toFixed(1)} s, all as the baseline does in ${baseline.seconds.toFixed(1)} s`,
  );
  return [
    { name: "images built, 1 of 5 services changed", value: services.length, unit: "images", limit: 1 },
    {
      name: "building what changed / all, as the baseline does",
      value: seconds / baseline.seconds,
      unit: "×",
      limit: 1,
    },
  ];
}

type StartedBuilder = BuildEndpoints & AsyncDisposable;

/** A registry, and a BuildKit that does not share the sandboxes' cache. */
async function startBuilder(stateDir: string, report: (line: string) => void): Promise<StartedBuilder> {
  const { tools, runc, busybox } = await builderTools(report);
  const { registryPassword: password } = ensureCredentials(stateDir);
  const port = await choosePort(stateDir, "registry", 5001);
  const { username } = sandboxSettings().images;
  const registry = await startRegistry({ stateDir, tools, bind: "127.0.0.1", port, username, password });
  const usual = process.env["XDG_CACHE_HOME"];
  process.env["XDG_CACHE_HOME"] = join(stateDir, "cache");
  const { address } = await startBuildKit({
    stateDir,
    tools,
    runc,
    busybox,
    registryHost: registry.host,
    packageSources: packageSources(),
    report,
  }).finally(() => {
    if (usual === undefined) delete process.env["XDG_CACHE_HOME"];
    else process.env["XDG_CACHE_HOME"] = usual;
  });
  return {
    buildKit: { address, buildctl: tools.buildctl },
    registryHost: registry.host,
    password,
    [Symbol.asyncDispose]: async () => {
      await stopBuildKit(stateDir);
      await stopAllProcesses(stateDir);
      rmSync(dirname(stateDir), { recursive: true, force: true });
    },
  };
}

/** @throws Error where this machine cannot build images */
export async function builderTools(report: (line: string) => void) {
  const [tools, debian] = await Promise.all([
    buildTools(["registry", "buildkitd", "buildctl", "dockerfile-frontend"], report),
    debianTools(report),
  ]);
  const { runc, busybox } = debian.tools;
  if (runc === undefined || busybox === undefined)
    throw new Error(`images cannot be built: ${debian.reason ?? "runc is missing"}`);
  return { tools, runc, busybox };
}

async function buildChanged(directory: string, location: BuildEndpoints, which: readonly string[]): Promise<string[]> {
  const { status, output, errors } = await deliveryBuild(directory, location, [
    ...which,
    "--build-number",
    "1",
    "--json",
  ]);
  if (status !== 0) throw new Error(`delivery build fails:\n${errors}`);
  return outputSchema.parse(JSON.parse(output)).images.map(({ service }) => service);
}

/** Seconds that the work takes. */
async function timed<T>(
  { buildKit }: BuildEndpoints,
  empty: boolean,
  work: () => Promise<T>,
): Promise<{ seconds: number; result: T }> {
  if (empty) await outputOf(buildKit.buildctl, ["--addr", buildKit.address, "prune", "--all"]);
  const start = performance.now();
  const result = await work();
  return { seconds: (performance.now() - start) / 1000, result };
}
