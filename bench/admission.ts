import {
  bindingName,
  environmentPolicy,
  otherPodsBinding,
  policyName,
  serviceBindings,
} from "../components/manifests/admission.ts";
import type { ManifestContext } from "../components/manifests/manifest-context.ts";
import type { Service } from "../components/service/service.ts";
import { allowedImagesName } from "../core/names.ts";
import type { KubernetesClient } from "../kubernetes/client.ts";
import { ApiError } from "../kubernetes/errors.ts";
import { retry } from "../core/retry.ts";
import { startSandbox } from "../sandbox/commands/start-sandbox.ts";
import { kubernetesClient } from "../sandbox/machine/kubernetes-client.ts";
import { median, type Figure } from "./figure.ts";
import { withStateDirectory } from "./state-directory.ts";

interface Size {
  readonly services: number;
  /** How many images each of them may have. */
  readonly digests: number;
  /** How often a pod is asked for. */
  readonly rounds: number;
}

/** How much longer the API server takes to admit a pod where it asks for its image, in an environment of 3,000 digests. */
export async function benchAdmission(report: (line: string) => void): Promise<Figure[]> {
  return withStateDirectory("admission", report, async (stateDir) => {
    const { cluster } = await startSandbox({ stateDir, delivery: "direct", report });
    return measureAdmission(kubernetesClient(cluster.kubeconfigPath), {
      services: 300,
      digests: 10,
      rounds: 400,
    });
  });
}

const settings = { action: "enforce" as const, images: [] };
const plain = "bench-plain";
const asked = "bench-asked";
const api = "/apis/admissionregistration.k8s.io/v1";

/** Pods of two namespaces take turns, of which one is asked for its images. Nothing of them is made. */
export async function measureAdmission(client: KubernetesClient, size: Size): Promise<Figure[]> {
  const services = Array.from({ length: size.services }, (_, index) => sample(`svc-${index}`));
  const context: ManifestContext = {
    environment: { app: "bench", name: "asked", namespace: asked },
    services,
    dependencies: {},
  };
  const made: string[] = [];
  const make = async (path: string, name: string, body: object): Promise<void> => {
    await client.request("POST", path, { body: { metadata: { name }, ...body } });
    made.push(`${path}/${name}`);
  };
  try {
    for (const name of [plain, asked]) await make("/api/v1/namespaces", name, {});
    await make(`${api}/validatingadmissionpolicies`, policyName(asked), environmentPolicy(context, settings, "[]"));
    for (const service of services) {
      const data = Object.fromEntries(images(service, size.digests).map((image, index) => [`image-${index}`, image]));
      await make(`/api/v1/namespaces/${asked}/configmaps`, allowedImagesName(service.name), { data });
    }
    for (const { part, spec } of [
      ...services.flatMap((service) => serviceBindings(context, service, settings)),
      otherPodsBinding(context, settings),
    ])
      await make(`${api}/validatingadmissionpolicybindings`, bindingName(asked, part), { spec });
    return await measure(client, services, size);
  } finally {
    for (const path of made.toReversed()) await client.request("DELETE", path);
  }
}

async function measure(client: KubernetesClient, services: readonly Service[], size: Size): Promise<Figure[]> {
  const ask = async (namespace: string, name: string, image: string): Promise<number> => {
    const body = {
      metadata: { name: "any", labels: { "app.kubernetes.io/name": name } },
      spec: { automountServiceAccountToken: false, containers: [{ name: "main", image }] },
    };
    const start = performance.now();
    await client.request("POST", `/api/v1/namespaces/${namespace}/pods`, { query: { dryRun: "All" }, body });
    return performance.now() - start;
  };
  const last = services.at(-1)?.name ?? "";
  const untilRefused = async (): Promise<void> => {
    const taken = await ask(asked, last, "other").then(
      () => true,
      (error: unknown) => !(error instanceof ApiError),
    );
    if (taken) throw new Error("the policy is not in force yet");
  };
  await retry(untilRefused, { pauses: Array.from({ length: 60 }, () => 500), isTransient: () => true });
  const times = { plain: [] as number[], asked: [] as number[] };
  for (let round = 0; round < size.rounds; round++) {
    const service = services[round % services.length];
    if (service === undefined) continue;
    const image = images(service, size.digests).at(-1) ?? "";
    times.plain.push(await ask(plain, service.name, image));
    times.asked.push(await ask(asked, service.name, image));
  }
  const what = `a pod admitted, of ${size.services * size.digests} digests`;
  const [without, within] = [median(times.plain), median(times.asked)];
  return [
    { name: `${what}: the whole request`, value: within, unit: "ms", limit: 20 },
    { name: `${what}: the decision alone`, value: within - without, unit: "ms", limit: 5 },
  ];
}

function sample(name: string): Service {
  return { name, port: 8080, directory: name, dockerfile: `${name}/Dockerfile`, context: name };
}

function images({ name }: Service, count: number): string[] {
  return Array.from(
    { length: count },
    (_, index) => `docker.io/acme/${name}@sha256:${String(index).padStart(64, "0")}`,
  );
}
