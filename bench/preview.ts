import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildTools } from "../sandbox/machine/tools/go-tools.ts";
import { median, type Figure } from "./figure.ts";

const rounds = 7;

/** How long a preview of the sandbox stack takes, against one of the same resources written down by hand. */
export async function benchPreview(report: (line: string) => void): Promise<Figure[]> {
  const { pulumi } = await buildTools(["pulumi"], report);
  const directory = mkdtempSync(join(tmpdir(), "delivery-bench-"));
  const seconds = { stack: [] as number[], raw: [] as number[] };
  const resources = { stack: 0, raw: 0 };
  try {
    // The first round fills the caches of the system and opens the stacks; it does not count.
    for (let round = 0; round <= rounds; round++) {
      for (const name of ["stack", "raw"] as const) {
        const start = performance.now();
        const script = join(import.meta.dirname, "preview-once.ts");
        resources[name] = Number(
          execFileSync(process.execPath, [script, name, join(directory, name), pulumi], { encoding: "utf8" }),
        );
        if (round > 0) seconds[name].push((performance.now() - start) / 1000);
      }
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
  const [stack, raw] = [median(seconds.stack), median(seconds.raw)];
  report(
    `preview: ${stack.toFixed(2)} s for ${resources.stack} resources with components, by hand ${raw.toFixed(2)} s for ${resources.raw} (medians of ${rounds})`,
  );
  return [
    { name: "preview of the sandbox stack / the same resources by hand", value: stack / raw, unit: "×", limit: 1.15 },
  ];
}
