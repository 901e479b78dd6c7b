import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Provider } from "@pulumi/kubernetes/provider.js";
import * as pulumi from "@pulumi/pulumi";
import type { EngineEvent } from "@pulumi/pulumi/automation/index.js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { placeholderKubeconfig } from "../../cli/preview/placeholders.ts";
import { argoCdObjects } from "../../components/argo-cd/argo-cd-objects.ts";
import { ArgoCd } from "../../components/argo-cd/argo-cd.ts";
import { isMap } from "../../kubernetes/json.ts";
import { parseManifests } from "../../kubernetes/manifests.ts";
import { kindOf, nameOf, namespaceOf, stringAt, withValue, type KubernetesObject } from "../../kubernetes/object.ts";
import { openStack } from "../../sandbox/engine/open-stack.ts";
import { writeSandboxManifests } from "../../sandbox/machine/argocd/manifests.ts";
import { buildTools } from "../../sandbox/machine/tools/go-tools.ts";
import { createKubernetesProvider } from "../../sandbox/providers/kubernetes/provider.ts";
import { serveProvider } from "../../sandbox/providers/server.ts";
import { createMonorepo } from "../support/monorepo.ts";
import { openPipeline } from "../support/pipeline.ts";
import { enterSandbox, type SandboxHarness } from "../support/sandbox-harness.ts";
import { openDeliveryHarness } from "./support/delivery-harness.ts";

let harness: SandboxHarness;
let argoCdFiles: string;
let release: readonly KubernetesObject[];

beforeAll(async () => {
  harness = await enterSandbox();
  argoCdFiles = (await buildTools(["argocd-files"], () => undefined))["argocd-files"];
  const parsed = parseManifests(readFileSync(writeSandboxManifests(argoCdFiles, harness.stateDir).argoCd, "utf8"));
  if ("problem" in parsed) throw new Error(parsed.problem);
  release = parsed.objects;
});

describe("without a cluster", () => {
  test("the stack that owns Argo CD and its Image Updater is previewed, object by object", async () => {
    const { directory } = createMonorepo(join(harness.stateDir, "monorepos", "owner"), ["cart"]);
    const kubeconfigPath = join(harness.stateDir, "no-cluster.kubeconfig");
    writeFileSync(kubeconfigPath, placeholderKubeconfig());
    const pipeline = openPipeline({
      ...harness,
      sandbox: { ...harness.sandbox, argoCdFiles },
      name: "owner",
      directory,
    });
    const repository = "http://127.0.0.1:9/deploy.git";
    const { changes } = await pipeline.run("preview", {
      endpoints: { kubeconfigPath },
      settings: {
        "delivery:delivery": "gitops",
        "delivery:owns": { ciProject: true, argoCd: true },
        "delivery:gitops": { repository, release: "registry-watch" },
      },
    });
    expect(changes).toEqual(
      expect.arrayContaining([
        "create CustomResourceDefinition argocd:applications.argoproj.io",
        "create Deployment argocd:argocd/argocd-server",
        "create StatefulSet argocd:argocd/argocd-application-controller",
        "create NetworkPolicy argocd:argocd/argocd-server-network-policy",
        "create CustomResourceDefinition image-updater:imageupdaters.argocd-image-updater.argoproj.io",
        "create Application cart",
      ]),
    );
    expect(changes.filter((change) => / argocd:/.test(change))).toHaveLength(
      argoCdObjects(release, { namespace: "argocd", highAvailability: false, rbac: [] }).length,
    );

    // A fork's pull request sees the same, in one line.
    const delivery = await openDeliveryHarness(harness.stateDir, pipeline);
    const { status, output } = await delivery.run(["preview", "--safe-stack", "sandbox"], "none");
    expect(output).toMatch(/- create \d\d objects of the installation <code>argocd<\/code>: <code>\d+ \w+<\/code>/);
    expect(output).not.toContain("argocd:argocd/");
    expect(status).toBe(0);
  });
});

/** The installation in a namespace of its own, since the cluster is shared. */
const namespace = "argocd-moved";

describe("an installation that earlier versions have made by the Helm chart", () => {
  const settings = { namespace, highAvailability: false, rbac: [] };
  const application = `/apis/argoproj.io/v1alpha1/namespaces/${namespace}/applications/kept`;
  const definition = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/applications.argoproj.io";
  const server = `/apis/apps/v1/namespaces/${namespace}/deployments/argocd-server`;

  afterAll(async () => {
    await run("destroy", declareRelease);
  });

  const uid = async (path: string): Promise<string | undefined> =>
    stringAt(await harness.kubernetes.request("GET", path), "metadata", "uid");

  test("is moved to the release's manifests with all Applications", async () => {
    await run("up", declareChart);
    await harness.kubernetes.request("POST", application.replace("/kept", ""), {
      body: {
        apiVersion: "argoproj.io/v1alpha1",
        kind: "Application",
        metadata: { name: "kept", namespace },
        spec: { project: "default", source: { repoURL: "http://127.0.0.1:9/a.git", path: "." }, destination: {} },
      },
    });
    const before = { application: await uid(application), definition: await uid(definition) };
    expect(before.application).toMatch(/-/);

    const changes = await run("up", declareRelease);
    expect({ application: await uid(application), definition: await uid(definition) }).toEqual(before);
    expect(changes.filter((change) => /(create|delete|replace).* CustomResourceDefinition/.test(change))).toEqual([]);
    // Selectors cannot be changed in place.
    expect(changes).toContain("replace Deployment argocd:argocd-moved/argocd-server");
    expect(changes).toContain("update ConfigMap argocd:argocd-moved/argocd-cm");
    expect(changes).toContain("delete ConfigMap argocd:argocd-moved/argocd-styles-cm");
    expect(changes).toContain("create NetworkPolicy argocd:argocd-moved/argocd-server-network-policy");
    const deployment = await harness.kubernetes.request("GET", server);
    expect(stringAt(deployment, "spec", "selector", "matchLabels", "app.kubernetes.io/name")).toBe("argocd-server");
    expect(stringAt(deployment, "spec", "selector", "matchLabels", "app.kubernetes.io/instance")).toBeUndefined();
  });

  test("is then unchanged", async () => {
    expect(await run("up", declareRelease)).toEqual([]);
  });

  async function run(operation: "up" | "destroy", declare: (provider: Provider) => void): Promise<string[]> {
    await using served = await serveProvider(createKubernetesProvider());
    const stack = await openStack({
      directory: join(harness.stateDir, "engines", "moved"),
      pulumi: harness.sandbox.pulumi,
      project: "delivery",
      stack: "moved",
      program: () => {
        const kubeconfig = pulumi.secret(readFileSync(harness.sandbox.cluster.kubeconfigPath, "utf8"));
        declare(new Provider("shop", { kubeconfig, enablePatchForce: true, enableConfigMapMutable: true }));
        return Promise.resolve({});
      },
      settings: {},
      secrets: {},
      providers: [served],
    });
    const changes = new Set<string>();
    const onEvent = ({ resourcePreEvent }: EngineEvent): void => {
      if (resourcePreEvent === undefined) return;
      const { op, type, urn } = resourcePreEvent.metadata;
      if (op !== "same") changes.add(`${op} ${type.split(":").at(-1)} ${urn.split("::").at(-1)}`);
    };
    await stack[operation]({ onEvent });
    return [...changes].toSorted();
  }

  function declareRelease(provider: Provider): void {
    new ArgoCd("argocd", { namespace, objects: argoCdObjects(release, settings), provider });
  }

  /** The resources that earlier versions have left in the state, with what a chart does to objects. */
  function declareChart(provider: Provider): void {
    const argoCd = new Group("delivery:gitops:ArgoCd", "argocd", {});
    const own = { parent: argoCd, provider };
    const metadata = { name: namespace };
    const home = new Installed(
      "kubernetes:core/v1:Namespace",
      "argocd",
      { apiVersion: "v1", kind: "Namespace", metadata },
      own,
    );
    const chart = new Group("kubernetes:helm.sh/v4:Chart", "argocd", { parent: argoCd });
    const styles = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "argocd-styles-cm", namespace } };
    for (const object of [...argoCdObjects(release, settings), styles].filter(
      (one) => kindOf(one).kind !== "NetworkPolicy",
    )) {
      const { apiVersion, kind } = kindOf(object);
      const module = apiVersion.includes("/") ? apiVersion : `core/${apiVersion}`;
      const name = `argocd:${namespaceOf(object) === "" ? "" : `${namespaceOf(object)}/`}${nameOf(object)}`;
      new Installed(`kubernetes:${module}:${kind}`, name, ofChart(object), {
        parent: chart,
        provider,
        dependsOn: home,
      });
    }
  }
});

class Group extends pulumi.ComponentResource {
  constructor(type: string, name: string, opts: pulumi.ComponentResourceOptions) {
    super(type, name, {}, opts);
  }
}

class Installed extends pulumi.CustomResource {}

/** A chart labels all that it makes with its release, and selects by it. */
function ofChart(object: KubernetesObject): KubernetesObject {
  const label = "app.kubernetes.io/instance";
  const labelled = withValue(object, ["metadata", "labels", label], "argocd");
  if (!isMap(labelled["spec"]) || !isMap(labelled["spec"]["template"])) return labelled;
  const selected = withValue(labelled, ["spec", "selector", "matchLabels", label], "argocd");
  return withValue(selected, ["spec", "template", "metadata", "labels", label], "argocd");
}
