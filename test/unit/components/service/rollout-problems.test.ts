import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { findServices } from "../../../../components/service/find-services.ts";
import { canaryPods, rolloutRefusal, routerRefusal } from "../../../../components/service/rollout-problems.ts";
import { problemLine } from "../../../../core/problem.ts";

let directory: string;
beforeEach(() => void (directory = mkdtempSync(join(tmpdir(), "rollouts-"))));
afterEach(() => rmSync(directory, { recursive: true }));

/** What is wrong with a service that says this of itself. */
function problems(
  settings: object,
  refusals: { noRollouts?: string | undefined; noRouter?: string | undefined } = {},
  dependencies: readonly string[] = [],
): string[] {
  mkdirSync(join(directory, "svc/link"), { recursive: true });
  writeFileSync(join(directory, "svc/link/Dockerfile"), "FROM scratch\nEXPOSE 7070\n");
  // JSON is YAML.
  writeFileSync(join(directory, "svc/link/service.yaml"), JSON.stringify(settings));
  const found = findServices({
    app: { name: "shop", directory, services: "svc/*" },
    file: "stacks/Pulumi.dev.yaml",
    defaults: {},
    overrides: {},
    dependencies: new Set(dependencies),
    images: { registry: "docker.io", organization: "acme", context: "service" },
    ...refusals,
  });
  return found.problems.map((problem) => problemLine(problem).replaceAll(`${directory}/svc/link/service.yaml: `, ""));
}

const steps = [{ weight: 25, pause: "5m" }];
const metrics = { errors: { query: "sum(x)", max: 0.01 } };
const prometheus = "http://metrics.monitoring:9090";
const withSteps = (...weights: number[]): object => ({
  replicas: 10,
  rollout: { strategy: "canary", steps: weights.map((weight) => ({ weight })) },
});
const withAnalysis = (analysis: object, given: object[] = steps): object => ({
  replicas: 4,
  rollout: { strategy: "canary", steps: given, analysis: { prometheus, metrics, ...analysis } },
});
const withMetric = (metric: object): object => withAnalysis({ metrics: { errors: { query: "sum(x)", ...metric } } });

describe("what would do nothing is refused", () => {
  const canary = { strategy: "canary", steps };
  test.each<[what: string, settings: object, problem: RegExp]>([
    ["no steps", { replicas: 4, rollout: { ...canary, steps: [] } }, /^rollout\.steps: \[\]: has no step/],
    ["one pod", { rollout: canary }, /^rollout\.steps: of one pod there are no parts; set `replicas` to 2/],
    ["no pods", { replicas: 0, rollout: canary }, /^rollout\.steps: of no pods there are no parts/],
    [
      "less than a pod",
      withSteps(5, 50),
      /^rollout\.steps\.0\.weight: 5 % of 10 pods is less than one pod; set it to 10 at/,
    ],
    ["a step down", withSteps(50, 20), /^rollout\.steps\.1\.weight: 20 is not above 50/],
    ["the same step", withSteps(20, 20), /^rollout\.steps\.1\.weight: 20 is not above 20/],
    ["no pod more", withSteps(20, 21), /^rollout\.steps\.1\.weight: 21 % of 10 pods are as many as 20 %: 2;/],
    ["all pods", withSteps(20, 100), /^rollout\.steps\.1\.weight: 100: must be at most 99/],
    ["an autoscaler", { autoscaling: { min: 4, max: 9 }, rollout: canary }, /^rollout: an autoscaler would count/],
    ["a cron", { kind: "cron", schedule: "@daily", rollout: canary }, /^rollout: has no effect on a cron/],
    ["a job", { kind: "job", rollout: canary }, /^rollout: has no effect on a job/],
    [
      "pods with volumes",
      { replicas: 4, volumes: { d: { path: "/d", size: "1Gi", perPod: true } }, rollout: canary },
      /^rollout: pods with volumes of their own/,
    ],
    ["no metric", withAnalysis({ metrics: {} }), /^rollout\.analysis\.metrics: \{\}: measures nothing/],
    ["no limit", withMetric({}), /^rollout\.analysis\.metrics\.errors: .*says nothing of what is good; set min or max/],
    ["limits that cross", withMetric({ min: 2, max: 1 }), /metrics\.errors: .*a min above max/],
    [
      "no time to measure",
      withAnalysis({ delay: "5m" }),
      /^rollout\.analysis: the first measurement is after 300 s, and all steps pause for 300 s/,
    ],
    ["no pause at all", withAnalysis({}, [{ weight: 50 }]), /all steps pause for 0 s: nothing would be measured/],
  ])("%s", (_what, settings, problem) => expect(problems(settings)).toEqual([expect.stringMatching(problem)]));
});

const routed = { strategy: "canary", router: "gateway", steps };
describe("so it is where a Gateway is to split requests", () => {
  const toPort = { ports: { http: 80, dns: { port: 53, protocol: "UDP" } }, expose: { port: "http" } };
  test.each<[what: string, settings: object, problem: RegExp]>([
    ["that do not come", { rollout: routed }, /^rollout\.router: no requests come from outside/],
    ["that are not let in", { expose: false, rollout: routed }, /^rollout\.router: no requests come from outside/],
    ["among no pods", { replicas: 0, expose: true, rollout: routed }, /^rollout: there are no pods to which requests/],
    [
      "into fewer",
      { expose: true, rollout: { ...routed, steps: [{ weight: 20 }, { weight: 20 }] } },
      /^rollout\.steps\.1\.weight: 20 is not above 20 of the step before it/,
    ],
    [
      "by another router",
      { expose: true, rollout: { ...routed, router: "istio" } },
      /^rollout\.router: "istio": must be gateway/,
    ],
    [
      "and no step pauses for a measurement",
      { expose: true, rollout: { ...routed, steps: [{ weight: 1 }], analysis: { prometheus, metrics } } },
      /^rollout\.analysis: .*nothing would be measured/,
    ],
  ])("%s", (_what, settings, problem) => expect(problems(settings)).toEqual([expect.stringMatching(problem)]));

  test("but one pod is enough, and one in a hundred requests", () => {
    expect(problems({ expose: true, rollout: { ...routed, steps: [{ weight: 1 }, { weight: 2 }] } })).toEqual([]);
    expect(problems({ ...toPort, rollout: routed })).toEqual([]);
  });

  test("with another's name for the Service of the new pods", () =>
    expect(problems({ expose: true, rollout: routed }, {}, ["link-canary"])).toEqual([
      expect.stringMatching(/^rollout\.router: the Service of the new pods has the name link-canary, which is that of/),
    ]));
});

describe("so it is where all requests are to go to new pods at once", () => {
  const blueGreen = { strategy: "blueGreen" };
  test.each<[what: string, settings: object, problem: RegExp]>([
    [
      "without a Service",
      { kind: "worker", rollout: blueGreen },
      /^rollout\.strategy: without a port there is no Service that could lead to the new pods/,
    ],
    ["without pods", { replicas: 0, rollout: blueGreen }, /^rollout: there are no pods to which requests could go/],
    [
      "without readiness",
      { probes: { readiness: "none" }, rollout: blueGreen },
      /^rollout: nothing tells whether the new pods answer, .*set `probes\.readiness` or `prePromotionAnalysis`/,
    ],
    ["with an autoscaler", { autoscaling: { min: 4, max: 9 }, rollout: blueGreen }, /^rollout: an autoscaler would/],
    [
      "with volumes of single pods",
      { volumes: { d: { path: "/d", size: "1Gi", perPod: true } }, rollout: blueGreen },
      /^rollout: pods with volumes of their own/,
    ],
    [
      "with a volume that one node writes",
      { volumes: { d: { path: "/d", size: "1Gi" } }, rollout: blueGreen },
      /^rollout: new pods cannot be beside the others/,
    ],
    ["of a cron", { kind: "cron", schedule: "@daily", rollout: blueGreen }, /^rollout: has no effect on a cron/],
    [
      "with measurements that may all be bad",
      {
        rollout: {
          ...blueGreen,
          postPromotionAnalysis: { prometheus, count: 2, metrics: { errors: { ...metrics.errors, failures: 2 } } },
        },
      },
      /^rollout\.postPromotionAnalysis\.metrics\.errors\.failures: 2 of 2 measurements may be bad, and so all of them/,
    ],
  ])("%s", (_what, settings, problem) => expect(problems(settings)).toEqual([expect.stringMatching(problem)]));

  test("with another's name for the Service of the new pods", () => {
    expect(problems({ rollout: blueGreen }, {}, ["link-preview"])).toEqual([
      "rollout.strategy: the Service of the new pods has the name link-preview, which is that of the dependency link-preview; rename one of them",
    ]);
    const name = "l".repeat(60);
    expect(problems({ name, rollout: blueGreen })).toEqual([
      expect.stringMatching(/^rollout\.strategy: the Service of the new pods is l+-preview, which has 68 characters/),
    ]);
  });
});

describe("so is what Argo Rollouts would take for something else", () => {
  test.each<[what: string, settings: object, problem: RegExp]>([
    [
      "a pause without a unit",
      { replicas: 4, rollout: { strategy: "canary", steps: [{ weight: 25, pause: 60 }] } },
      /steps\.0\.pause: 60: must be a time such as 30s/,
    ],
    [
      "a day",
      { replicas: 4, rollout: { strategy: "canary", steps: [{ weight: 25, pause: "1d" }] } },
      /"1d": must be a time such as 30s, 5m or 1h/,
    ],
    ["no time", withAnalysis({ interval: "0s" }), /"0s": must be a time/],
    ["an argument of its own", withMetric({ query: "x{{args.a}}", max: 1 }), /must not have \{\{/],
    [
      "an unknown name",
      withMetric({ query: "x${hash}", max: 1 }),
      /names something that is not known; there is \$\{pods\}/,
    ],
    ["a login in Git", withAnalysis({ prometheus: "http://a:b@metrics" }), /must hold no login: manifests are in Git/],
    [
      "another strategy",
      { replicas: 4, rollout: { strategy: "bluegreen", steps } },
      /strategy: "bluegreen": must be canary or blueGreen/,
    ],
    ["steps of blueGreen", { rollout: { strategy: "blueGreen", steps } }, /rollout\.steps: unknown key/],
    [
      "a time for the switch without a unit",
      { rollout: { strategy: "blueGreen", autoPromotion: 60 } },
      /autoPromotion: 60: must be a time such as 30s, 5m or 1h, or false/,
    ],
    [
      "a switch that is switched on",
      { rollout: { strategy: "blueGreen", autoPromotion: true } },
      /autoPromotion: true: must be a time such as 30s, 5m or 1h, or false/,
    ],
    [
      "pods that go before requests do",
      { rollout: { strategy: "blueGreen", scaleDownDelay: "10s" } },
      /scaleDownDelay: "10s": must be at least 30s/,
    ],
    [
      "measurements without an end",
      { rollout: { strategy: "blueGreen", prePromotionAnalysis: { prometheus, metrics } } },
      /prePromotionAnalysis\.count: missing; must be a whole number/,
    ],
    [
      "an unknown key",
      { replicas: 4, rollout: { strategy: "canary", steps, maxSurge: 2 } },
      /rollout\.maxSurge: unknown key/,
    ],
  ])("%s", (_what, settings, problem) => expect(problems(settings)).toEqual([expect.stringMatching(problem)]));
});

test("what is good is taken", () => {
  expect(problems({ replicas: 2, rollout: { strategy: "canary", steps: [{ weight: 50 }] } })).toEqual([]);
  expect(problems(withSteps(10, 30, 60))).toEqual([]);
  expect(problems(withAnalysis({ interval: "30s", delay: "1m" }))).toEqual([]);
  expect(problems({ rollout: { strategy: "blueGreen" } })).toEqual([]);
  const measured = { prometheus, metrics, count: 3 };
  const rollout = { strategy: "blueGreen", autoPromotion: "5m", scaleDownDelay: "10m" };
  expect(
    problems({ rollout: { ...rollout, prePromotionAnalysis: measured, postPromotionAnalysis: measured } }),
  ).toEqual([]);
  expect(problems({ rollout: { ...rollout, autoPromotion: false } })).toEqual([]);
  expect(problems({ probes: { readiness: "none" }, rollout: { ...rollout, prePromotionAnalysis: measured } })).toEqual(
    [],
  );
});

test("an environment that cannot have any says why", () => {
  const { dev } = { dev: "stacks/Pulumi.dev.yaml" };
  expect(rolloutRefusal(dev, { delivery: "gitops", gitops: { rollouts: "existing" } })).toBeUndefined();
  const refusal = rolloutRefusal(dev, { delivery: "gitops", gitops: {} });
  expect(refusal).toMatch(/set gitops\.rollouts of stacks\/Pulumi\.dev\.yaml to \{\}/);
  expect(rolloutRefusal(dev, { delivery: "direct" })).toMatch(/has no release record .* \(delivery direct of/);
  const canary = { strategy: "canary", steps: [{ weight: 50 }] };
  expect(problems({ replicas: 2, rollout: canary }, { noRollouts: refusal })).toEqual([`rollout: ${refusal}`]);
});

test("an environment in which no Gateway can split requests says why", () => {
  const file = "stacks/Pulumi.dev.yaml";
  const gatewayPlugin = { location: "https://acme.example/plugin", sha256: "0".repeat(64) };
  const [there, none] = [{ gateway: {} }, {}];
  expect(routerRefusal(file, { cluster: there, gitops: { rollouts: "existing" } })).toBeUndefined();
  expect(routerRefusal(file, { cluster: there, gitops: { rollouts: { gatewayPlugin } } })).toBeUndefined();
  expect(routerRefusal(file, { cluster: none, gitops: { rollouts: "existing" } })).toMatch(
    /^there is no Gateway that could split requests; set cluster\.gateway of stacks/,
  );
  const refusal = routerRefusal(file, { cluster: there, gitops: { rollouts: {} } });
  expect(refusal).toMatch(/by a plugin, and has none; set gitops\.rollouts\.gatewayPlugin of stacks/);
  expect(problems({ expose: true, rollout: routed }, { noRouter: refusal })).toEqual([`rollout.router: ${refusal}`]);
  // One that has no router needs none.
  expect(problems({ rollout: { strategy: "blueGreen" } }, { noRouter: refusal })).toEqual([]);
});

/** As the controller's own examples and what its real one made of them. */
test.each([
  [10, 25, 3, 8],
  [10, 10, 1, 9],
  [10, 50, 5, 5],
  [4, 25, 1, 3],
  [4, 50, 2, 2],
  [2, 50, 1, 1],
  [3, 40, 1, 2],
  [5, 99, 5, 1],
])("%i pods at %i %% are %i new and %i old ones", (replicas, weight, canary, stable) =>
  expect(canaryPods(replicas, weight)).toEqual({ canary, stable }),
);
