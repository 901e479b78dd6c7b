import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { OutputMap } from "@pulumi/pulumi/automation/index.js";
import { parse, stringify } from "yaml";
import { temporaryDirectory } from "../core/atomic-file.ts";
import { openRoute } from "../sandbox/commands/demo/demo.ts";
import { cloneSource, type Clone } from "../sandbox/commands/demo/developer-clone.ts";
import { up } from "../sandbox/commands/up.ts";
import { ensureCredentials, gitUsers } from "../sandbox/machine/credentials.ts";
import { loadEndpoints } from "../sandbox/machine/endpoints.ts";
import { median, type Figure } from "./figure.ts";
import { followEdit, service } from "./loop/journey.ts";
import { withStateDirectory } from "./state-directory.ts";

const stackFile = "stacks/Pulumi.sandbox.yaml";

/** How much longer a commit takes to the cluster where its image is signed and released only so. */
export async function benchSigning(report: (line: string) => void): Promise<Figure[]> {
  return withStateDirectory("signing", report, async (stateDir) => {
    const { outputs } = await up({ stateDir, pods: "auto", report });
    return measureSigning(stateDir, outputs, 5, report);
  });
}

/** Measures commits in a sandbox that is up, with and without. @param outputs of its stack */
async function measureSigning(
  stateDir: string,
  outputs: OutputMap,
  rounds: number,
  report: (line: string) => void,
): Promise<Figure[]> {
  const source = loadEndpoints(stateDir)?.sourceRepository;
  if (source === undefined) throw new Error(`${stateDir}: the sandbox is up, but has no source repository`);
  using directory = temporaryDirectory("delivery-bench-signing-");
  const { gitWriteToken: token } = ensureCredentials(stateDir);
  const clone: Clone = { url: source, user: gitUsers.writer, token, directory: directory.path };
  const route = openRoute(stateDir, outputs, service);
  await cloneSource(clone);
  const times = { signed: [] as number[], plain: [] as number[] };
  const path = join(clone.directory, stackFile);
  const signed = readFileSync(path, "utf8");
  const plain = withoutSigning(signed);
  // In turns, so that other load on the machine is shared by both; the first round only fills caches.
  for (let round = 0; round <= rounds; round++) {
    for (const kind of ["signed", "plain"] as const) {
      writeFileSync(path, kind === "signed" ? signed : plain);
      const { total } = await followEdit(route, clone);
      report(`commit ${round} of ${rounds}, ${kind}: ${total.toFixed(2)} s`);
      if (round > 0) times[kind].push(total);
    }
  }
  const [all, without] = [median(times.signed), median(times.plain)];
  return [
    { name: "commit → new pods, signed and verified: seconds more", value: all - without, unit: "s", limit: 0.5 },
    { name: "the same / neither signed nor verified", value: all / without, unit: "×", limit: 1.1 },
  ];
}

function withoutSigning(text: string): string {
  const file: { config: Record<string, unknown> } = parse(text);
  const key = "delivery:images";
  const { signing, ...images } = Object(file.config[key]);
  if (signing === undefined)
    throw new Error(`${stackFile}: images.signing: missing, so that there is nothing to measure`);
  return stringify({ ...file, config: { ...file.config, [key]: images } });
}
