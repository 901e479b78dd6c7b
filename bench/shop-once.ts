/**
 * One preview of a large stack in a process of its own, as the CLI makes it:
 * `node bench/shop-once.ts DIRECTORY PULUMI PROGRAM direct|gitops SCHEMA_VERSION`. PROGRAM is `by-hand`, or the `index.ts` of a
 * build of this program, which this process must run in the directory of. It prints how many resources there are.
 */
import { join } from "node:path";
import { openStack } from "../sandbox/engine/open-stack.ts";
import { createCircleCiProvider } from "../sandbox/providers/circleci/provider.ts";
import { createKubernetesProvider } from "../sandbox/providers/kubernetes/provider.ts";
import { serveProvider } from "../sandbox/providers/server.ts";
import { declareShopByHand } from "./shop-baseline.ts";
import { shopSettings } from "./shop.ts";

const [directory = "", pulumi = "", program = "", delivery = "", version = ""] = process.argv.slice(2);
const kubernetes = createKubernetesProvider({ environment: { HOME: directory } });
const providers = await Promise.all([kubernetes, createCircleCiProvider()].map(serveProvider));
const stack = await openStack({
  directory: join(directory, `engine-${program === "by-hand" ? program : delivery}-${version}`),
  pulumi,
  project: "delivery",
  stack: "large",
  program: async () => {
    if (program === "by-hand") {
      declareShopByHand(directory);
      return {};
    }
    const outputs: Record<string, unknown> = await import(program);
    return { ...outputs };
  },
  settings: shopSettings(directory, delivery === "gitops" ? "gitops" : "direct", Number(version)),
  secrets: { "delivery:registryPassword": "password", "delivery:circleciToken": "token" },
  providers,
});
const { changeSummary } = await stack.preview();
console.log(changeSummary.create ?? 0);
await Promise.all(providers.map((provider) => provider[Symbol.asyncDispose]()));
