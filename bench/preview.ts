import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { temporaryDirectory } from "../core/atomic-file.ts";
import { buildTools } from "../sandbox/machine/tools/go-tools.ts";
import { median, type Figure } from "./figure.ts";

/** How long a preview of the sandbox stack takes, against one of the same resources written down by hand. */
export async function benchPreview(report: (line: string) => void, rounds = 7): Promise<Figure[]> {
  const { pulumi } = await buildTools(["pulumi"], report);
  using directory = temporaryDirectory("delivery-bench-");
  const seconds = { stack: [] as number[], baseline: [] as number[] };
  const resources = { stack: 0, baseline: 0 };
  // The first round only fills the caches of the system and opens the stacks.
  for (let round = 0; round <= rounds; round++) {
    for (const name of ["stack", "baseline"] as const) {
      const start = performance.now();
      const script = join(import.meta.dirname, "preview-once.ts");
      resources[name] = Number(
        execFileSync(process.execPath, [script, name, join(directory.path, name), pulumi], { encoding: "utf8" }),
      );
      if (round > 0) seconds[name].push((performance.now() - start) / 1000);
    }
  }
  const [stack, baseline] = [median(seconds.stack), median(seconds.baseline)];
  report(
    `preview: ${stack.toFixed(2)} s for ${resources.stack} resources with components, by hand ${baseline.toFixed(2)} s for ${resources.baseline} (medians of ${rounds})`,
  );
  return [
    {
      name: "preview of the sandbox stack / the same resources by hand",
      value: stack / baseline,
      unit: "×",
      limit: 1.15,
    },
  ];
}
