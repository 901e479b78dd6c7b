import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openStack } from "../sandbox/engine.ts";
import { createCircleCiProvider } from "../sandbox/providers/circleci/provider.ts";
import { createDockerProvider } from "../sandbox/providers/docker/provider.ts";
import { createKubernetesProvider } from "../sandbox/providers/kubernetes/provider.ts";
import { serveProvider } from "../sandbox/providers/server.ts";
import { buildTools } from "../sandbox/tools/build.ts";
import { readStackFile } from "../stacks/stack-file.ts";
import { median, type Figure } from "./figure.ts";

const rounds = 7;

/** How long a preview of the sandbox stack takes, against a preview of the same resources written down by hand. */
export async function benchPreview(report: (line: string) => void): Promise<Figure[]> {
  const { pulumi } = await buildTools(["pulumi"], report);
  const directory = mkdtempSync(join(tmpdir(), "delivery-bench-"));
  const docker = { directory: process.cwd(), buildKit: () => Promise.reject(new Error("a preview builds no image")) };
  const providers = await Promise.all([createKubernetesProvider(), createDockerProvider(docker), createCircleCiProvider()].map(serveProvider));
  try {
    const programs = {
      stack: (round: number) => import(`../index.ts?round=${round}`),
      raw: (round: number) => import(`./raw-program.ts?round=${round}`),
    };
    const seconds: Record<keyof typeof programs, number[]> = { stack: [], raw: [] };
    let round = 0;
    const open = async (name: keyof typeof programs) =>
      openStack({
        directory: join(directory, name),
        pulumi,
        project: "delivery",
        stack: "sandbox",
        program: async () => ({ ...(await programs[name](round)) }),
        settings: readStackFile("sandbox"),
        secrets: { "delivery:registryPassword": "password", "delivery:circleciToken": "token", "delivery:secrets": '{"token-secret":"secret"}' },
        providers,
      });
    const stacks = { stack: await open("stack"), raw: await open("raw") };
    // The first round of each loads what the later ones find in memory; it does not count.
    for (round = 0; round <= rounds; round++) {
      for (const name of ["stack", "raw"] as const) {
        const start = performance.now();
        await stacks[name].preview();
        if (round > 0) seconds[name].push((performance.now() - start) / 1000);
      }
    }
    const [stack, raw] = [median(seconds.stack), median(seconds.raw)];
    report(`preview: ${stack.toFixed(2)} s, by hand ${raw.toFixed(2)} s (medians of ${rounds})`);
    return [{ name: "preview of the sandbox stack / the same resources by hand", value: stack / raw, unit: "×", limit: 1.15 }];
  } finally {
    await Promise.all(providers.map((provider) => provider[Symbol.asyncDispose]()));
    rmSync(directory, { recursive: true, force: true });
  }
}
