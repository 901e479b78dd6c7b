import { beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { stopArgoCd } from "../../sandbox/machine/argocd/argocd.ts";
import { openEnvironment, shortTimeouts, type Environment } from "./support/environment.ts";
import { enterGitOps } from "./support/enter-gitops.ts";
import { pushToDeployRepository, type GitOpsHarness } from "./support/gitops-harness.ts";

const listSchema = z.object({ items: z.array(z.object({ metadata: z.object({ name: z.string() }) })) });

/** Kinds that have no namespace, of which a stack makes some. */
const clusterKinds = [
  "/api/v1/namespaces",
  "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
  "/apis/rbac.authorization.k8s.io/v1/clusterroles",
  "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
];

/** Destroy removes what up has made, everywhere. The tests build on each other. */
describe("destroy", () => {
  let harness: GitOpsHarness;
  let shop: Environment;
  let found: string[];

  beforeAll(async () => {
    harness = await enterGitOps();
    shop = openEnvironment(harness, { name: "destroy" });
    found = await objectsOfCluster();
    pushToDeployRepository(harness, { "docs/runbook.md": "Ask Ann.\n", "destroy/NOTES.md": "Ask Bob.\n" });
    await shop.run("up", {}, shortTimeouts(30));
  });

  test("without Argo CD ends within its timeout, names the Application, and says what to do", async () => {
    await shop.run("up", {}, shortTimeouts(5));
    await stopArgoCd(harness.stateDir);
    const { error } = await shop.fail("destroy");
    expect(error).toMatch(/Application argocd\/shop-destroy-(cart|catalog) was still there 5 s after its deletion/);
    expect(error).toMatch(/Argo CD.*run.*destroy again/s);
  });

  test("goes on when Argo CD is back, and leaves nothing in the cluster", async () => {
    await enterGitOps();
    const deleted: string[] = [];
    await shop.run(
      "destroy",
      {},
      {
        onEvent: ({ resOutputsEvent }) =>
          void (resOutputsEvent?.metadata.op === "delete" && deleted.push(resOutputsEvent.metadata.urn)),
      },
    );
    expect(await objectsOfCluster()).toEqual(found);
    const applications = deleted.filter((urn) => urn.includes(":Application::"));
    const argoCd = deleted.findIndex((urn) => urn.includes("delivery:gitops:ArgoCd$"));
    expect(applications.map((urn) => deleted.indexOf(urn) < argoCd)).toEqual([true, true]);
  });

  test("leaves the files of others in Git, and nothing else", () => {
    const files = Object.keys(harness.repository.files());
    expect(files.filter((path) => path.startsWith("destroy/"))).toEqual(["destroy/NOTES.md"]);
    expect(files).toContain("docs/runbook.md");
  });

  test("leaves nothing at CircleCI", async () => {
    expect(await harness.circleci.contexts("shop-destroy")).toEqual([]);
    expect(harness.circleci.projects("shop")).toEqual([]);
  });

  async function objectsOfCluster(): Promise<string[]> {
    const lists = await Promise.all(
      clusterKinds.map(async (path) =>
        listSchema
          .parse(await harness.kubernetes.request("GET", path))
          .items.map(({ metadata }) => `${path}/${metadata.name}`),
      ),
    );
    return lists.flat().toSorted();
  }
});
