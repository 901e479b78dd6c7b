import { expect, test } from "vitest";
import { unknownCheck } from "../../../../cli/drift/report.ts";
import { stackFindings } from "../../../../cli/drift/stack-check.ts";

const urn = (type: string, name: string): string => `urn:pulumi:dev::delivery::${type}::${name}`;

const step = (op: string, type: string, name: string, rest: object = {}) => ({
  resOutputsEvent: { metadata: { op, urn: urn(type, name), type, new: { custom: true }, ...rest } },
});
const problem = (message: string, about?: string) => ({
  diagnosticEvent: { severity: "error", message, ...(about && { urn: about }) },
});
const deployment = "kubernetes:apps/v1:Deployment";

test("the engine's refresh says what others have changed, its preview what an update would; neither shows a value", () => {
  const diff = { detailedDiff: { "spec.replicas": { diffKind: "update" }, __internal: {} } };
  const refresh = [
    step("same", deployment, "fine"),
    step("refresh", deployment, "read"),
    step("update", deployment, "link", diff),
    step("delete", "kubernetes:core/v1:Service", "user"),
    step("update", "delivery:cluster:Workload", "link", { new: { custom: false } }),
  ];
  const preview = [
    step("create", deployment, "news"),
    step("create-replacement", deployment, "user", { diffs: ["spec"] }),
    step("replace", deployment, "user", { diffs: ["spec"] }),
    step("delete-replaced", deployment, "user", { diffs: ["spec"] }),
  ];
  expect(stackFindings({ events: refresh }, { events: preview })).toEqual({
    look: "stack",
    state: "found",
    reason: null,
    findings: [
      { what: "Deployment link", change: "is other than the stack has left it: spec.replicas" },
      { what: "Service user", change: "is gone" },
      { what: "Deployment news", change: "is declared, and would be created by `pulumi up`" },
      { what: "Deployment user", change: "would be replaced by `pulumi up`: spec" },
    ],
  });
});

test("a context that is gone, which fails the refresh, is drift; any other failure leaves it unknown", () => {
  const gone = problem(
    "CircleCI refused to read context 1 (404): Context not found.",
    urn("circleci:index/context:Context", "shop"),
  );
  const failed = { events: [gone, problem("refresh failed")], failure: "pages of it" };
  expect(stackFindings(failed, { events: [] })).toMatchObject({
    state: "found",
    reason: null,
    findings: [{ what: "Context shop", change: expect.stringMatching(/^is gone, which fails every refresh/) }],
  });
  const down = { events: [problem("connection refused", urn(deployment, "link"))], failure: "pages of it" };
  expect(stackFindings(down, { events: [], failure: "the program is missing" })).toEqual(
    unknownCheck("stack", "refresh: Deployment link: connection refused; preview: the program is missing"),
  );
});

const gitManifests = "pulumi:pulumi:Stack$delivery:gitops:GitopsDelivery$pulumi-nodejs:dynamic/delivery:GitManifests";

test.each<[what: string, about: string, message: string]>([
  ["a repository", urn(gitManifests, "dev"), "https://git.example/deploy.git is no Git repository: 404 not found"],
  ["a webhook", urn("kubernetes:core/v1:Secret", "link"), 'failed calling webhook: service "kyverno-svc" not found'],
  ["a host", urn("circleci:index/context:Context", "shop"), "lookup circleci.com: host not found"],
])("in a refresh, %s that is not found leaves it unknown whether the resource is gone", (_what, about, message) => {
  const refresh = { events: [problem(message, about), problem("refresh failed")], failure: "pages of it" };
  expect(stackFindings(refresh, { events: [] })).toMatchObject({
    state: "unknown",
    reason: expect.stringContaining(message),
    findings: [],
  });
});

test.each([urn("kubernetes:core/v1:Secret", "link"), urn("circleci:index/context:Context", "shop")])(
  "in a preview, whatever is not found has made it fail: %s",
  (about) => {
    const preview = { events: [problem("it was not found (404)", about)], failure: "pages of it" };
    expect(stackFindings({ events: [] }, preview)).toMatchObject({
      state: "unknown",
      reason: expect.stringMatching(/^preview: .*it was not found \(404\)$/),
      findings: [],
    });
  },
);
