import { afterEach, beforeEach, expect, test } from "vitest";
import { collectDrift, type DriftSources } from "../../../../cli/drift/collect.ts";
import type { DeclaredManifests } from "../../../../cli/drift/stack-state.ts";
import { ownerFile, writeOwner } from "../../../../git/directory-owner.ts";
import { BareRepository } from "../../../support/bare-repository.ts";

let repository: BareRepository;
beforeEach(() => {
  repository = new BareRepository();
});
afterEach(() => repository[Symbol.dispose]());

const declared = (directory: string): DeclaredManifests => ({
  directory,
  stack: "delivery/prod",
  files: { [`${directory}/link/service.yaml`]: "kind: Service\n" },
  records: {},
});

/** What is found in Git of an environment with two waves of clusters. */
async function found(): Promise<unknown> {
  const sources: Partial<DriftSources> = {
    app: "shop",
    environment: "prod",
    delivery: "gitops",
    deploy: { repository: repository.url, branch: "main" },
    state: async () => ({
      manifests: declared("prod"),
      laterWaves: [declared("prod.wave-2")],
      contexts: [],
      pipelines: undefined,
      objects: new Set(),
    }),
  };
  // Only Git is asked.
  const { looks } = await collectDrift(sources as DriftSources, ["git"]);
  return looks[0]?.findings;
}

test("what somebody has edited in the directory of a later wave is found, too", async () => {
  for (const directory of ["prod", "prod.wave-2"]) {
    const owner = { stack: "delivery/prod", location: `${repository.url}#main:${directory}`, records: [] };
    repository.commit({ [ownerFile(directory)]: writeOwner(owner), ...declared(directory).files }, "manifests");
  }
  expect(await found()).toEqual([]);
  repository.commit({ "prod.wave-2/link/service.yaml": "kind: Secret\n" }, "by hand");
  expect(await found()).toEqual([
    { what: "prod.wave-2/link/service.yaml", change: expect.stringMatching(/^was edited/) },
  ]);
});
