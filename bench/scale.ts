import { join, resolve } from "node:path";
import { temporaryDirectory } from "../core/atomic-file.ts";
import { schemaVersion } from "../core/schema-version.ts";
import { buildTools } from "../sandbox/machine/tools/go-tools.ts";
import { openEarlierBuild } from "./earlier-build.ts";
import { median, type Figure } from "./figure.ts";
import { measureProcess, type ProcessCost } from "./process-tree.ts";
import { writeShop, type ShopDelivery } from "./shop.ts";

/** How large the stacks are, and how often each preview is measured. */
interface Scale {
  readonly rounds: number;
  readonly services: number;
  /** Of the smaller stack that the large one is compared with. */
  readonly fewServices: number;
  /** The build that previews of `gitops` are compared with. @default none */
  readonly earlier?: { readonly commit: string; readonly schemaVersion: number };
}

const fullScale: Scale = {
  rounds: 5,
  services: 500,
  fewServices: 50,
  earlier: { commit: "11dd621", schemaVersion: 1 },
};

/** A preview that is measured. */
interface Preview {
  readonly services: number;
  readonly delivery: ShopDelivery;
  /** The program's directory. @default this one */
  readonly build?: { readonly directory: string; readonly schemaVersion: number };
  /** Whether the same objects are declared by the program of the baseline. */
  readonly byHand?: boolean;
}

/** What previews of large stacks take of time and memory, against the same by hand, against small ones and against an earlier build. */
export async function benchScale(report: (line: string) => void, scale = fullScale): Promise<Figure[]> {
  const { services, fewServices } = scale;
  const { pulumi } = await buildTools(["pulumi"], report);
  using temporary = temporaryDirectory("delivery-bench-scale-");
  await using earlier = scale.earlier === undefined ? null : ((await openEarlierBuild(scale.earlier.commit)) ?? null);
  const previews = {
    byHand: { services, delivery: "direct", byHand: true },
    direct: { services, delivery: "direct" },
    gitops: { services, delivery: "gitops" },
    directOfFew: { services: fewServices, delivery: "direct" },
    gitopsOfFew: { services: fewServices, delivery: "gitops" },
    ...(earlier === null
      ? {}
      : {
          earlier: {
            services,
            delivery: "gitops",
            build: { ...earlier, schemaVersion: scale.earlier?.schemaVersion ?? schemaVersion },
          },
        }),
  } as const satisfies Record<string, Preview>;
  const names = Object.keys(previews) as (keyof typeof previews)[];
  const costs = new Map(names.map((name) => [name, [] as ProcessCost[]]));
  for (const count of [services, fewServices]) writeShop(join(temporary.path, String(count)), count);
  // In turns, so that other load on the machine is shared by all; the first turn only fills caches and opens the stacks.
  for (let round = 0; round <= scale.rounds; round++) {
    for (const name of names) {
      const cost = await measurePreview(previews[name] ?? previews.direct, temporary.path, pulumi);
      report(`preview ${round} of ${scale.rounds}, ${name}: ${described([cost])}`);
      if (round > 0) costs.get(name)?.push(cost);
    }
  }
  for (const [name, all] of costs) report(`preview, ${name}: ${described(all)} (medians of ${scale.rounds})`);
  const ratio = (of: keyof typeof previews, to: keyof typeof previews, value: (cost: ProcessCost) => number): number =>
    median((costs.get(of) ?? []).map(value)) / median((costs.get(to) ?? []).map(value));
  const seconds = (cost: ProcessCost): number => cost.seconds;
  const memory = (cost: ProcessCost): number => cost.peakMebibytes;
  const few = `${fewServices} services`;
  return [
    figure(`preview, ${services} services, direct / by hand`, ratio("direct", "byHand", seconds), 1.1),
    figure("its peak memory / by hand", ratio("direct", "byHand", memory), 1),
    figure(`preview, ${services} services / ${few}, direct`, ratio("direct", "directOfFew", seconds), 9),
    figure(`preview, ${services} services / ${few}, gitops`, ratio("gitops", "gitopsOfFew", seconds), 5.5),
    ...(earlier === null
      ? []
      : [
          figure(
            `preview, ${services} services, gitops / build ${scale.earlier?.commit ?? ""}`,
            ratio("gitops", "earlier", seconds),
            0.5,
          ),
        ]),
  ];
}

function figure(name: string, value: number, limit: number): Figure {
  return { name, value, unit: "×", limit };
}

async function measurePreview(preview: Preview, directory: string, pulumi: string): Promise<ProcessCost> {
  const build = preview.build ?? { directory: process.cwd(), schemaVersion };
  const args = [
    resolve(import.meta.dirname, "shop-once.ts"),
    join(directory, String(preview.services)),
    pulumi,
    preview.byHand === true ? "by-hand" : join(build.directory, "index.ts"),
    preview.delivery,
    String(build.schemaVersion),
  ];
  return await measureProcess(process.execPath, args, build.directory);
}

/** Medians, with the spread of the time. */
function described(costs: readonly ProcessCost[]): string {
  const seconds = costs.map((cost) => cost.seconds);
  const spread = `${Math.min(...seconds).toFixed(1)} to ${Math.max(...seconds).toFixed(1)}`;
  const cpu = median(costs.map(({ cpuSeconds }) => cpuSeconds)).toFixed(1);
  const memory = median(costs.map(({ peakMebibytes }) => peakMebibytes)).toFixed(0);
  return `${median(seconds).toFixed(1)} s (${spread}), ${cpu} s of CPU, ${memory} MiB for ${costs[0]?.output.trim() ?? "?"} resources`;
}
