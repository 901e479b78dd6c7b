import https from "node:https";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { readWorkloads } from "../../cli/status/cluster-status.ts";
import {
  bindingName,
  environmentPolicy,
  imageList,
  otherPodsBinding,
  policyName,
  previewsBinding,
  previewsPolicy,
  serviceBindings,
} from "../../components/manifests/admission.ts";
import type { ManifestContext } from "../../components/manifests/manifest-context.ts";
import { allowedImagesName, imagesOfLabel, previewImagesName, previewNamespaceLabel } from "../../core/names.ts";
import { errorMessage } from "../../core/error.ts";
import { mapAt } from "../../kubernetes/object.ts";
import { eventually } from "../support/eventually.ts";
import { sampleService } from "../support/sample-shop.ts";
import { createMonorepo, type Monorepo } from "../support/monorepo.ts";
import { openPipeline, type Pipeline } from "../support/pipeline.ts";
import { deploymentOf, enterSandbox, namesOf, type SandboxHarness } from "../support/sandbox-harness.ts";

const app = "admission";
const namespace = `${app}-dev`;
const previewNamespace = `${app}-pr-7`;
const audited = `${app}-audited`;
const repository = "docker.io/acme/admission-link";
const digest = (digit: string): string => `${repository}@sha256:${digit.repeat(64)}`;
const [current, previous, other] = [digest("a"), digest("b"), digest("c")];
const database = "docker.io/library/postgres:18";
const policies = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies";
const bindings = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings";
const made: string[] = [];

interface PodArgs {
  readonly image: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly spec?: object;
  readonly in?: string;
  readonly name?: string;
}

/** The policies as they are declared, and the real API server's decisions. */
describe("pods of images that nobody has released", () => {
  let harness: SandboxHarness;
  const link = { "app.kubernetes.io/name": "link" };
  const settings = { action: "enforce" as const, images: [] };
  const object = { file: "own.yaml", object: { apiVersion: "v1", kind: "Pod", metadata: { name: "own" } } };
  const services = [sampleService("link", { migrations: { command: ["migrate"] }, ownObjects: [object] })];
  const contextOf = (name: string): ManifestContext => ({
    environment: { app, name: "dev", namespace: name },
    services,
    dependencies: {},
  });

  const make = async (path: string, name: string, body: object): Promise<void> => {
    await harness.kubernetes.request("POST", path, { body: { metadata: { name }, ...body } });
    made.push(`${path}/${name}`);
  };
  const allow = async (name: string, data: Readonly<Record<string, string>>, where = namespace): Promise<void> => {
    const path = `/api/v1/namespaces/${where}/configmaps`;
    const body = { metadata: { name }, data };
    await harness.kubernetes
      .request("POST", path, { body })
      .catch(() => harness.kubernetes.request("PUT", `${path}/${name}`, { body }));
  };
  const podOf = ({ image, labels = {}, spec = {}, name = "any" }: PodArgs) => ({
    metadata: { name, labels },
    spec: { automountServiceAccountToken: false, containers: [{ name: "main", image }], ...spec },
  });
  /** Why the API server takes no such pod; empty: it does. Nothing is made. */
  const refusal = async (args: PodArgs): Promise<string> => {
    const path = `/api/v1/namespaces/${args.in ?? namespace}/pods`;
    return harness.kubernetes.request("POST", path, { query: { dryRun: "All" }, body: podOf(args) }).then(
      () => "",
      (error: unknown) => errorMessage(error),
    );
  };
  const declare = async (context: ManifestContext, action: "enforce" | "audit"): Promise<void> => {
    const own = { ...settings, action };
    const all = [
      ...services.flatMap((service) => serviceBindings(context, service, own)),
      otherPodsBinding(context, own),
    ];
    const { namespace: name } = context.environment;
    await make(policies, policyName(name), environmentPolicy(context, own, imageList([database])));
    for (const { part, spec } of all) await make(bindings, bindingName(name, part), { spec });
  };

  beforeAll(async () => {
    harness = await enterSandbox();
    for (const name of [namespace, audited, previewNamespace])
      await make("/api/v1/namespaces", name, {
        metadata: { name, labels: name === previewNamespace ? previewNamespaceLabel(app) : {} },
      });
    for (const name of [namespace, audited, previewNamespace])
      await eventually(`a service account in ${name}`, () =>
        harness.kubernetes.request("GET", `/api/v1/namespaces/${name}/serviceaccounts/default`),
      );
    await allow(allowedImagesName("link"), { current, "previous-1": previous });
    await declare(contextOf(namespace), "enforce");
    await declare(contextOf(audited), "audit");
    const previews = policyName(`${app}-previews`);
    await make(policies, previews, previewsPolicy(app, settings));
    await make(bindings, previews, { spec: previewsBinding(app, settings) });
    await eventually("the policies are in force", async () => (await refusal({ image: other })) !== "");
    await eventually(
      "that of previews, too",
      async () => (await refusal({ image: other, in: previewNamespace })) !== "",
    );
  });

  afterAll(async () => {
    for (const path of made.toReversed()) await harness.kubernetes.request("DELETE", path);
  });

  test("a service's pods have what is released, or was before", async () => {
    expect(await refusal({ image: current, labels: link })).toBe("");
    expect(await refusal({ image: previous, labels: link })).toBe("");
    expect(await refusal({ image: other, labels: link })).toContain(
      `ValidatingAdmissionPolicy '${namespace}.images' with binding '${namespace}.link' denied request: no release record of ${namespace} names ${other}; release it, or name it in cluster.admission.images of the stack file`,
    );
    expect(await refusal({ image: repository, labels: link })).toContain(`names ${repository};`);
    expect(await refusal({ image: `${repository}:latest`, labels: link })).toContain("no release record");
  });

  test("the policies compile without a doubt", async () => {
    for (const name of [`${namespace}.images`, `${app}-previews.images`]) {
      const { status } = await eventually(`${name} has been checked`, async () => {
        const policy = await harness.kubernetes.request("GET", `${policies}/${name}`);
        return policy["status"] !== undefined && (policy as { status: { typeChecking?: object } });
      });
      expect(status.typeChecking ?? {}).toEqual({});
    }
  });

  test("every image of a pod counts", async () => {
    const initContainers = [{ name: "first", image: other }];
    expect(await refusal({ image: current, labels: link, spec: { initContainers } })).toContain(other);
    const volumes = [{ name: "data", image: { reference: other } }];
    expect(await refusal({ image: current, labels: link, spec: { volumes } })).toContain(other);
    const sidecar = {
      containers: [
        { name: "a", image: current },
        { name: "b", image: database },
      ],
    };
    expect(await refusal({ image: current, labels: link, spec: sidecar })).toBe("");
  });

  test("pods of no service have what is declared, and no service's image", async () => {
    expect(await refusal({ image: database })).toBe("");
    expect(await refusal({ image: database, labels: { "app.kubernetes.io/name": "db" } })).toBe("");
    expect(await refusal({ image: current })).toContain(`${namespace}.other.pods`);
  });

  test("what a service brings along has its images, too", async () => {
    expect(await refusal({ image: current, labels: { [imagesOfLabel]: "link" } })).toBe("");
    expect(await refusal({ image: other, labels: { [imagesOfLabel]: "link" } })).toContain(`${namespace}.link.own`);
    expect(await refusal({ image: current, labels: { [imagesOfLabel]: "user" } })).toContain("other.pods");
  });

  test("no list is a refusal, and one that comes is seen at once", async () => {
    const labels = { "app.kubernetes.io/name": "link-migration" };
    expect(await refusal({ image: current, labels })).toContain("no params found");
    await allow(allowedImagesName("link-migration"), { current });
    expect(await refusal({ image: current, labels })).toBe("");
  });

  test("a pod that is there keeps its image, whatever has been released since, and gets no other", async () => {
    const pods = `/api/v1/namespaces/${namespace}/pods`;
    const merge = "application/strategic-merge-patch+json";
    await harness.kubernetes.request("POST", pods, { body: podOf({ image: previous, labels: link, name: "old" }) });
    await allow(allowedImagesName("link"), { current });
    await eventually(
      "the earlier image is gone",
      async () => (await refusal({ image: previous, labels: link })) !== "",
    );
    const patch = (body: object, at = "") =>
      harness.kubernetes.request("PATCH", `${pods}/old${at}`, { contentType: merge, body });
    await patch({ metadata: { labels: { seen: "yes" } } });
    await expect(patch({ spec: { containers: [{ name: "main", image: other }] } })).rejects.toThrow(other);
    const debug = (image: string) => ({ spec: { ephemeralContainers: [{ name: `debug-${image.length}`, image }] } });
    await expect(patch(debug("busybox"), "/ephemeralcontainers")).rejects.toThrow(/names busybox;/);
    await patch(debug(current), "/ephemeralcontainers");
    // Taken out of its service, as people do who look for an error.
    await patch({ metadata: { labels: { "app.kubernetes.io/name": null } } });
    await harness.kubernetes.request("DELETE", `${pods}/old`, { query: { gracePeriodSeconds: "0" } });
  });

  test("audit warns, and lets every pod start, also without a list", async () => {
    expect(await refusal({ image: other, labels: link, in: audited })).toBe("");
    await allow(allowedImagesName("link"), { current }, audited);
    const warning = await eventually("a warning", () => warningOf({ image: other, labels: link, in: audited }));
    expect(warning).toContain(`${audited}.link': no release record of ${audited} names ${other};`);
    expect(await warningOf({ image: current, labels: link, in: audited })).toBe("");
  });

  test("a preview environment has one list, in its own namespace", async () => {
    expect(await refusal({ image: current, in: previewNamespace })).toContain("no params found");
    await allow(previewImagesName, { "image-1": database, "image-2": current }, previewNamespace);
    expect(await refusal({ image: current, in: previewNamespace })).toBe("");
    expect(await refusal({ image: database, in: previewNamespace })).toBe("");
    expect(await refusal({ image: other, labels: link, in: previewNamespace })).toContain(`${app}-previews.images`);
  });

  test("an image may start as soon as its list has been written", async () => {
    const digests = Array.from({ length: 10 }, (_, index) => `${repository}@sha256:${String(index).padStart(64, "0")}`);
    for (const image of digests) {
      await allow(allowedImagesName("link"), { current: image, "previous-1": current });
      await eventually("it may start", async () => (await refusal({ image, labels: link })) === "");
    }
  });

  /** What the API server says beside taking the pod. */
  async function warningOf(args: PodArgs): Promise<string> {
    const { server, tls } = harness.kubernetes.connection;
    const url = `${server}/api/v1/namespaces/${args.in ?? namespace}/pods?dryRun=All`;
    const headers = { authorization: `Bearer ${harness.clusterToken}`, "content-type": "application/json" };
    return new Promise((resolve, reject) => {
      const request = https.request(url, { method: "POST", headers, ...tls }, (response) => {
        void text(response).then(() => resolve(response.headers["warning"] ?? ""), reject);
      });
      request.on("error", reject);
      request.end(JSON.stringify(podOf(args)));
    });
  }
});

/** The same by the program, which applies the workloads itself. The tests build on each other. */
describe("an environment whose cluster asks", () => {
  const name = "asking";
  let harness: SandboxHarness;
  let monorepo: Monorepo;
  let pipeline: Pipeline;
  const settings = {
    "delivery:cluster": { adoptExisting: true, admission: { action: "enforce" } },
    "delivery:services": { nightly: { kind: "cron", schedule: "0 0 1 1 *" } },
  };
  const at = `${name}-sandbox`;
  const deployment = `/apis/apps/v1/namespaces/${at}/deployments/web`;
  const listed = async (): Promise<Record<string, unknown>> =>
    mapAt(await harness.kubernetes.request("GET", `/api/v1/namespaces/${at}/configmaps/web.images`), "data");

  beforeAll(async () => {
    harness = await enterSandbox();
    monorepo = createMonorepo(join(harness.stateDir, "monorepos", name), ["web", "nightly"]);
    pipeline = openPipeline({ ...harness, name, directory: monorepo.directory });
  });
  afterAll(async () => pipeline.run("destroy", { settings }));

  test("runs what has been declared, and nothing that somebody else puts in its place", async () => {
    await pipeline.run("up", { settings });
    const { image } = await deploymentOf(harness.kubernetes, at, "web");
    expect(await listed()).toEqual({ current: image });
    const body = { spec: { template: { spec: { containers: [{ name: "web", image: "busybox:latest" }] } } } };
    await harness.kubernetes.request("PATCH", deployment, {
      contentType: "application/strategic-merge-patch+json",
      body,
    });
    const status = await eventually("its pods are refused", async () => {
      const location = { app: name, environment: "sandbox", namespace: at, argoCdNamespace: "argocd" };
      const all = await readWorkloads(harness.kubernetes, location, AbortSignal.timeout(10_000));
      return all.find(({ service, state }) => service === "web" && state === "failed");
    });
    expect(status.message).toContain(`no release record of ${at} names busybox:latest`);
  });

  test("a new image replaces the one before, which may start until then, and the next preview knows it", async () => {
    const before = (await listed())["current"];
    monorepo.write("svc/web_service/www/index.html", "Another one.\n");
    await pipeline.run("up", { settings });
    const { image } = await deploymentOf(harness.kubernetes, at, "web");
    expect(image).not.toBe(before);
    expect(await listed()).toEqual({ current: image, "previous-1": before });
    expect((await pipeline.run("up", { settings })).changes).toEqual([]);
  });

  test("nothing is left behind where it is no longer asked for", async () => {
    const plain = { ...settings, "delivery:cluster": { adoptExisting: true } };
    await pipeline.run("up", { settings: plain });
    for (const kind of [policies, bindings]) {
      const { items } = z
        .object({ items: z.array(z.looseObject({})) })
        .parse(await harness.kubernetes.request("GET", kind));
      expect(JSON.stringify(items)).not.toContain(at);
    }
    expect(await namesOf(harness.kubernetes, "v1/configmaps", at)).not.toContain("web.images");
  });
});
