import { describe, expect, test } from "vitest";
import { mergeSettings, type Service } from "../../../../components/service/service.ts";
import { verificationProblems, verificationRefusal } from "../../../../components/service/verification.ts";
import { serviceVerifySchema, verificationRules } from "../../../../components/service/verify-settings.ts";

const file = "stacks/Pulumi.dev.yaml";
const ci = { environment: { DELIVERY_KUBECONFIG: "kubeconfig" } };

test.each([
  [{ delivery: "gitops", ci } as const, undefined],
  [{ delivery: "gitops", gitops: { release: "registry-watch" }, ci } as const, /Image Updater.* would release again/],
  [{ delivery: "gitops", ci: { environment: {} } } as const, /set ci\.environment\.DELIVERY_KUBECONFIG of stacks/],
  [{ delivery: "direct", ci } as const, /with delivery direct there is none/],
])("whether somebody can verify what is released: %j", (settings, reason) => {
  const refusal = verificationRefusal(file, settings);
  if (reason === undefined) expect(refusal).toBeUndefined();
  else expect(refusal).toMatch(reason);
});

describe("what an image has to prove", () => {
  test("is what its service says, and else what its environment says, and else that it runs", () => {
    const command = [{ command: "make smoke" }];
    const merged = mergeSettings({ verify: { minutes: 5 } }, { verify: { checks: command } }).verify;
    expect(verificationRules({ minutes: 1, timeoutMinutes: 3 }, merged)).toEqual({
      minutes: 5,
      timeoutMinutes: 3,
      checks: command,
    });
    expect(verificationRules({}, undefined)).toEqual({ minutes: 0, timeoutMinutes: 10, checks: [] });
  });

  test("is nothing where the environment asks for nothing, or the service says none", () => {
    expect(verificationRules(undefined, { minutes: 5 })).toBeUndefined();
    expect(
      verificationRules({ minutes: 5 }, mergeSettings({ verify: { minutes: 1 } }, { verify: "none" }).verify),
    ).toBeUndefined();
  });
});

test("a path is asked of those that listen, and of those alone whose pods run", () => {
  const service = (name: string, more: Partial<Service>): Service => ({
    name,
    directory: `svc/${name}`,
    dockerfile: `svc/${name}/Dockerfile`,
    context: ".",
    port: undefined,
    ...more,
  });
  const services = [
    service("web", { port: 80 }),
    service("worker", {}),
    service("off", { replicas: 0 }),
    service("own", { verify: { checks: [] } }),
  ];
  const environment = { checks: [{ http: { path: "/healthz" } }] };
  const problems = verificationProblems(services, {
    environment,
    refusal: undefined,
    file,
    defaults: {},
    overrides: {},
  });
  expect(problems).toEqual([
    {
      location: `${file}: verify.checks`,
      message: expect.stringMatching(/^a check asks a path of worker, which listens on no port/),
    },
  ]);
});

const prometheus = "http://metrics.monitoring:9090";
const metrics = { errors: { query: "sum(x)", max: 0.01 } };
test.each<[what: string, rollout: NonNullable<Service["rollout"]>]>([
  [
    "pauses in steps",
    {
      strategy: "canary",
      steps: [
        { weight: 25, pause: "5m" },
        { weight: 50, pause: "5m" },
      ],
    },
  ],
  [
    "waits for requests, and measures before and after",
    {
      strategy: "blueGreen",
      autoPromotion: "4m",
      // 1 + 2 × 1 minutes, and 1 + 4 × 0.5.
      prePromotionAnalysis: { prometheus, metrics, count: 3 },
      postPromotionAnalysis: { prometheus, metrics, count: 5, interval: "30s", delay: "1m" },
    },
  ],
])("what %s has the time for that", (_what, rollout) => {
  const service = (verify?: Service["verify"]): Service => ({
    name: "web",
    directory: "svc/web",
    dockerfile: "svc/web/Dockerfile",
    context: ".",
    port: 80,
    replicas: 4,
    rollout,
    ...(verify === undefined ? {} : { verify }),
  });
  const problems = (verify?: Service["verify"]): unknown =>
    verificationProblems([service(verify)], { environment: {}, refusal: undefined, file, defaults: {}, overrides: {} });
  expect(problems()).toEqual([
    {
      location: `${file}: verify.timeoutMinutes`,
      message: expect.stringMatching(/^the rollout of web takes 10 minutes at least, and after 10 it would be taken/),
    },
  ]);
  expect(problems({ timeoutMinutes: 20 })).toEqual([]);
  expect(problems("none")).toEqual([]);
});

test.each([
  [{ http: { url: "https://{servce}.dev.example/version" } }, /not known; there are \{service\} and \{namespace\}/],
  [{ metrics: { server: "http://p:9090", query: 'e{app="{app}"}', max: 1 } }, /not known; there are \{service\}/],
  [{ metrics: { server: "http://p:9090", query: "e", min: 2, max: 1 } }, /min above max, which no value satisfies/],
  [{ metrics: { server: "http://p:9090", query: 'e{app="{service}",x=~"a{2}"}', min: 1, max: 1 } }, undefined],
  [{ http: { url: "https://{service}.{namespace}.example/version" } }, undefined],
])("a check that could never hold is refused: %j", (check, reason) => {
  const { error } = serviceVerifySchema.safeParse({ checks: [check] });
  if (reason === undefined) expect(error).toBeUndefined();
  else expect(JSON.stringify(error?.issues)).toMatch(reason);
});
