/**
 * One preview, or first update, of a large stack in a process of its own, as the CLI makes it:
 * `node bench/shop-once.ts DIRECTORY PULUMI PROGRAM direct|gitops SCHEMA_VERSION [preview|update|update-compressed]`. PROGRAM is
 * `by-hand`, or the `index.ts` of a build of this program, which this process must run in the directory of. An update changes
 * nothing but its state, in a file. It prints how many resources there are.
 */
import { rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { openStack } from "../sandbox/engine/open-stack.ts";
import { createCircleCiProvider } from "../sandbox/providers/circleci/provider.ts";
import { createKubernetesProvider } from "../sandbox/providers/kubernetes/provider.ts";
import { serveProvider } from "../sandbox/providers/server.ts";
import { instantProvider } from "./instant-provider.ts";
import { declareShopByHand } from "./shop-baseline.ts";
import { shopSettings } from "./shop.ts";

const [directory = "", pulumi = "", program = "", delivery = "", version = "", operation = "preview"] =
  process.argv.slice(2);
const updates = operation !== "preview";
const kubernetes = createKubernetesProvider({ environment: { HOME: directory } });
const providers = await Promise.all(
  [kubernetes, createCircleCiProvider()].map((provider) =>
    serveProvider(updates ? instantProvider(provider) : provider),
  ),
);
// The program asks CircleCI before the first change whether the account may see its own contexts.
const circleci = createServer((_request, response) => response.end('{"items":[],"next_page_token":null}'));
await new Promise<void>((listening) => void circleci.listen(0, "127.0.0.1", listening));
// A listening server on TCP has such an address.
const { port } = circleci.address() as AddressInfo;
const engine = join(directory, `engine-${program === "by-hand" ? program : delivery}-${version}`);
if (updates) rmSync(engine, { recursive: true, force: true });
const settings = shopSettings(directory, delivery === "gitops" ? "gitops" : "direct", Number(version));
const stack = await openStack({
  directory: engine,
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
  settings: updates
    ? {
        ...settings,
        "delivery:ci": { ...Object(settings["delivery:ci"]), host: `http://127.0.0.1:${port}/api/v2` },
        "delivery:cluster": { context: "none" },
      }
    : settings,
  secrets: { "delivery:registryPassword": "password", "delivery:circleciToken": "token" },
  environment: operation === "update-compressed" ? { PULUMI_DIY_BACKEND_ZSTD: "true" } : {},
  providers,
});
const created = updates
  ? (await stack.up({ suppressProgress: true })).summary.resourceChanges?.create
  : (await stack.preview()).changeSummary.create;
console.log(created ?? 0);
circleci.close();
await Promise.all(providers.map((provider) => provider[Symbol.asyncDispose]()));
