import { join, resolve } from "node:path";
import { temporaryDirectory } from "../core/atomic-file.ts";
import { schemaVersion } from "../core/schema-version.ts";
import { buildTools } from "../sandbox/machine/tools/go-tools.ts";
import type { Figure } from "./figure.ts";
import { measureProcess, type ProcessCost } from "./process-tree.ts";
import { writeShop } from "./shop.ts";

/** How many services the two stacks have. */
interface Scale {
  readonly services: number;
  readonly fewServices: number;
}

const operations = ["preview", "update", "update-compressed"] as const;

/**
 * What the first update of a large stack of delivery `direct` takes of the engine and the program, with its state in a file, plain
 * and compressed (PULUMI_DIY_BACKEND_ZSTD), against the preview of the same. Providers answer at once.
 */
export async function benchFirstUpdate(
  report: (line: string) => void,
  { services, fewServices }: Scale = { services: 500, fewServices: 100 },
): Promise<Figure[]> {
  const { pulumi } = await buildTools(["pulumi"], report);
  using temporary = temporaryDirectory("delivery-bench-first-update-");
  const costs = new Map<string, ProcessCost>();
  for (const count of [fewServices, services]) {
    const directory = join(temporary.path, String(count));
    writeShop(directory, count);
    for (const operation of operations) {
      const program = [join(process.cwd(), "index.ts"), "direct", String(schemaVersion), operation];
      const args = [resolve(import.meta.dirname, "shop-once.ts"), directory, pulumi, ...program];
      report(`first update: ${operation} of ${count} services`);
      const cost = await measureProcess(process.execPath, args, process.cwd());
      report(
        `${operation} of ${count} services: ${cost.seconds.toFixed(1)} s, ${cost.cpuSeconds.toFixed(1)} s of CPU, ${cost.output.trim()} resources`,
      );
      costs.set(`${operation} ${count}`, cost);
    }
  }
  const cpu = (operation: (typeof operations)[number], count: number): number =>
    costs.get(`${operation} ${count}`)?.cpuSeconds ?? Number.NaN;
  const figure = (name: string, value: number, limit: number): Figure => ({ name, value, unit: "×", limit });
  const perService = cpu("update-compressed", services) / services;
  return [
    figure(`first up, ${services} services / preview, CPU`, cpu("update", services) / cpu("preview", services), 3),
    figure("the same, state compressed", cpu("update-compressed", services) / cpu("preview", services), 3),
    figure(
      `its CPU for each service, ${services} / ${fewServices}`,
      perService / (cpu("update-compressed", fewServices) / fewServices),
      1.2,
    ),
  ];
}
