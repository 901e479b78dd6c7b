import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { listWorkloads } from "../../cli/status/cluster-status.ts";
import { workloadStatus } from "../../cli/status/workload-status.ts";
import { outputOf } from "../../core/process.ts";
import { parseRecord, recordPath, type ReleaseRecord } from "../../git/release-record.ts";
import { valueAt } from "../../kubernetes/json.ts";
import { conditionOf, listAt, mapAt, numberAt, stringAt } from "../../kubernetes/object.ts";
import type { Sandbox } from "../../sandbox/commands/start-sandbox.ts";
import { gitUsers } from "../../sandbox/machine/credentials.ts";
import { circleCiEndpoint } from "../../sandbox/machine/endpoints.ts";
import { startRollouts, stopRollouts } from "../../sandbox/machine/rollouts/rollouts.ts";
import { buildTools } from "../../sandbox/machine/tools/go-tools.ts";
import { applicationOf, isHealthy } from "../../test/e2e/support/application-state.ts";
import { delivery } from "../../test/e2e/support/delivery-command.ts";
import { openEnvironment, type Environment } from "../../test/e2e/support/environment.ts";
import { gitOpsHarness, type GitOpsHarness } from "../../test/e2e/support/gitops-harness.ts";
import { writeStackFile } from "../../test/e2e/support/stack-file.ts";
import { pushBuild } from "../../test/support/image-push.ts";
import { webServer } from "../../test/support/monorepo.ts";
import { PrometheusStandIn } from "../../test/support/prometheus-stand-in.ts";

const name = "take-back";
const service = "cart";
const replicas = 4;
/** In percent, so one pod of four. */
export const weight = 25;
/** For how long what is good has to be well, in minutes. */
export const holdMinutes = 0.1;

/** What the cluster says of the service at one moment. */
interface Seen {
  /** Whether all pods are there, run the image and are ready, and no other one is ready. */
  readonly serves: (digest: string) => boolean;
  /** In Argo CD's words, and the image that its Rollout is to run. */
  readonly health: string;
  readonly digest: string;
}

/** One service in steps, whose pods answer with the name of their build. */
export interface Shop extends AsyncDisposable {
  readonly harness: GitOpsHarness;
  /** As the commands see it. */
  readonly target: Environment & { readonly directory: string };
  /** Where this machine reaches it. */
  readonly url: string;
  /** Pushes a build, and releases it. @returns its digest, and what its pods answer */
  release(kind: "good" | "bad"): Promise<{ readonly digest: string; readonly answer: string }>;
  record(): ReleaseRecord;
  seen(): Promise<Seen>;
  /** Whether Argo CD is done with it. */
  isSettled(): Promise<boolean>;
  /** Waits until an analysis has failed of pods that no earlier one was about. */
  analysisFailed(signal: AbortSignal): Promise<void>;
}

/** Makes the environment in a sandbox that runs. */
export async function openShop(stateDir: string, sandbox: Sandbox, report: (line: string) => void): Promise<Shop> {
  const harness = gitOpsHarness(stateDir, sandbox, "own");
  const { kubernetes, repository, repositoryUrl } = harness;
  const tools = await buildTools(["rollouts-controller", "rollouts-files"], report);
  await startRollouts({ stateDir, tools, kubeconfigPath: sandbox.cluster.kubeconfigPath });
  await using opening = new AsyncDisposableStack();
  opening.defer(() => stopRollouts(stateDir));
  const metrics = opening.use(await PrometheusStandIn.start());
  const { organizationId, url: host } = circleCiEndpoint(sandbox.endpoints);
  const settings = {
    ci: {
      organizationId,
      host,
      environment: { DELIVERY_KUBECONFIG: "deploy-token" },
    },
    gitops: { repository: repositoryUrl, username: gitUsers.reader, rollouts: "existing" },
    verify: { minutes: holdMinutes },
    services: { [service]: serviceSettings(metrics.url) },
  };
  // Its images are none that others may release: some are bad.
  const shop = openEnvironment(harness, { name, app: "bazaar", services: [service], settings });
  const start = 'mkdir -p /tmp/www && echo "$BUILD" > /tmp/www/index.html && exec httpd -f -p 8080 -h /tmp/www';
  shop.monorepo.service(service, webServer(service, start));
  // Not the checkout that the state directory may be in.
  await outputOf("git", ["init", "--quiet", shop.monorepo.directory]);
  const target = { ...shop, directory: join(stateDir, "program-of-take-back") };
  writeStackFile(harness, shop, target.directory, settings);
  report("The service with a canary: updating its stack");
  opening.defer(async () => void (await shop.run("destroy")));
  await shop.run("up");

  const location = { app: shop.app, environment: name, namespace: shop.namespace, argoCdNamespace: "argocd" };
  const recordFile = recordPath(name, service);
  const record = (): ReleaseRecord => {
    const parsed = parseRecord(recordFile, repository.git("show", `main:${recordFile}`));
    if ("problems" in parsed) throw new Error(`${recordFile}: ${parsed.problems[0]?.message ?? ""}`);
    return parsed;
  };
  const cached = { head: "", record: record() };
  const branch = join(repository.path, "refs", "heads", "main");
  const recordNow = (): ReleaseRecord => {
    const head = existsSync(branch) ? readFileSync(branch, "utf8") : "";
    if (head === "" || head !== cached.head) Object.assign(cached, { head, record: record() });
    return cached.record;
  };
  const first = cached.record.image?.digest ?? "";
  const bad = new Set<string>();
  metrics.value = () => (bad.has(recordNow().image?.digest ?? "") ? "0.2" : "0.01");
  const found = await kubernetes.request("GET", `/api/v1/namespaces/${shop.namespace}/services/${service}`);
  const [port] = listAt(found, "spec", "ports");
  const count = { builds: 1 };
  const disposables = opening.move();
  return {
    harness,
    target,
    url: `http://${stringAt(found, "spec", "clusterIP")}:${numberAt(port ?? {}, "port")}/`,
    async release(kind) {
      count.builds += 1;
      const images = shop.imagesOf(service);
      const answer = `build-${count.builds}`;
      const digest = await pushBuild(stateDir, images, `${images}@${first}`, `0.1.${count.builds}`, { BUILD: answer });
      if (kind === "bad") bad.add(digest);
      await delivery(harness, target, "release", "--service", `${service}=${digest}`);
      return { digest, answer };
    },
    record: recordNow,
    async seen() {
      const signal = AbortSignal.timeout(5_000);
      const query = { labelSelector: `app.kubernetes.io/name=${service}` };
      const [{ workloads }, list] = await Promise.all([
        listWorkloads(kubernetes, location, signal),
        kubernetes.request("GET", `/api/v1/namespaces/${shop.namespace}/pods`, { query, signal }),
      ]);
      const [workload] = workloads;
      if (workload === undefined) throw new Error(`${service} has no workload`);
      const { image, health } = workloadStatus(workload);
      const ready = listAt(list, "items")
        .filter((pod) => valueAt(pod, "metadata", "deletionTimestamp") === undefined)
        .filter((pod) => conditionOf(pod, "Ready")?.["status"] === "True")
        .map((pod) => stringAt(listAt(pod, "spec", "containers")[0] ?? {}, "image") ?? "");
      return {
        serves: (digest) => ready.length === replicas && ready.every((one) => one.endsWith(digest)),
        health,
        digest: image.split("@")[1] ?? "",
      };
    },
    isSettled: async () => isHealthy(await applicationOf(kubernetes, shop.applicationName(service))),
    async analysisFailed(signal) {
      const path = `/apis/argoproj.io/v1alpha1/namespaces/${shop.namespace}/analysisruns`;
      const known = new Set(
        listAt(await kubernetes.request("GET", path), "items").map((run) => stringAt(run, "metadata", "uid")),
      );
      for await (const event of kubernetes.watch(path, { signal })) {
        const run = mapAt(event, "object");
        if (!known.has(stringAt(run, "metadata", "uid")) && stringAt(run, "status", "phase") === "Failed") return;
      }
      throw new Error("the watch of the analyses has ended");
    },
    [Symbol.asyncDispose]: () => disposables.disposeAsync(),
  };
}

function serviceSettings(prometheus: string) {
  return {
    replicas,
    // Requests still arrive for a moment after the decision to end a pod.
    preStop: { sleep: 3 },
    rollout: {
      strategy: "canary",
      steps: [{ weight, pause: "12s" }],
      analysis: {
        prometheus,
        interval: "1s",
        // Long enough for requests to tell the share that it has.
        delay: "8s",
        metrics: { errors: { query: 'sum(errors{pod=~"${pods}"})', max: 0.05 } },
      },
    },
  };
}
