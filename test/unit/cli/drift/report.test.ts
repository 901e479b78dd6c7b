import { expect, test } from "vitest";
import { contextFindings, type ContextStatus } from "../../../../cli/drift/ci-check.ts";
import { clusterFindings, type ClusterCheckArgs, type ClusterStatus } from "../../../../cli/drift/cluster-check.ts";
import { gitFindings } from "../../../../cli/drift/git-check.ts";
import { checkOf, driftText, overall, unknownCheck } from "../../../../cli/drift/report.ts";
import { stackFindings } from "../../../../cli/drift/stack-check.ts";
import { stackStateOf } from "../../../../cli/drift/stack-state.ts";
import { ownerFile } from "../../../../git/directory-owner.ts";
import { initialRecord, recordPath, recordWith } from "../../../../git/release-record.ts";
import { withValue } from "../../../../kubernetes/object.ts";
import { runningService } from "../../../support/sample-running-service.ts";

const one = `sha256:${"1".repeat(64)}`;
const two = `sha256:${"2".repeat(64)}`;
const since = "2026-01-01T10:00:00Z";
const urn = (type: string, name: string): string => `urn:pulumi:dev::delivery::${type}::${name}`;

test("what is found counts before what is unknown, and that before none", () => {
  const none = checkOf("git", []);
  const found = checkOf("cluster", [{ what: "Deployment link", change: "is gone" }]);
  expect(overall([none])).toBe("none");
  expect(overall([none, unknownCheck("ci", "no token")])).toBe("unknown");
  expect(overall([none, unknownCheck("ci", "no token"), found])).toBe("found");
});

test("a report is a line per look, and below it what differs", () => {
  const looks = [
    checkOf("stack", []),
    checkOf("git", [{ what: "dev/link/service.yaml", change: "was edited in 1a2b3c4 by \u001B[31mAda" }]),
    checkOf("cluster", [{ what: "Service link", change: "is extra" }], "some of it was not there"),
    unknownCheck("ci", "set CIRCLE_TOKEN"),
  ];
  expect(driftText({ app: "shop", environment: "dev", takenAt: since, drift: "found", looks })).toBe(
    `shop · dev · drift

✓ Stack     as declared
✗ Git       1 difference
✗ Cluster   1 difference; not all could be asked: some of it was not there
? CircleCI  unknown: set CIRCLE_TOKEN

Git
  dev/link/service.yaml  was edited in 1a2b3c4 by \uFFFD[31mAda

Cluster
  Service link  is extra`,
  );
});

test("the state says which files, context and objects the stack has declared", () => {
  const resource = (type: string, outputs: object, rest: object = {}) => ({ urn: "", type, outputs, ...rest });
  const variable = "circleci:index/contextEnvironmentVariable:ContextEnvironmentVariable";
  const secret = { "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", ciphertext: "…" };
  const state = stackStateOf({
    resources: [
      { urn: "", type: "pulumi:pulumi:Stack" },
      resource("circleci:index/context:Context", { id: "c1", name: "shop-dev" }),
      resource(variable, { name: "TOKEN", updatedAt: since, value: secret }),
      resource(variable, { name: "OLD", updatedAt: since, value: secret }, { delete: true }),
      resource("circleci:index/contextRestriction:ContextRestriction", { type: "project", value: "p1" }),
      resource("kubernetes:core/v1:Secret", { kind: "Secret", metadata: { name: "link-secrets" }, data: secret }),
      resource("kubernetes:helm.sh/v4:Chart", {}),
    ],
  });
  expect(state).toEqual({
    manifests: undefined,
    context: {
      id: "c1",
      variables: [{ name: "TOKEN", updatedAt: since }],
      restrictions: [{ type: "project", value: "p1" }],
    },
    objects: new Set(["Secret/link-secrets"]),
  });
  expect(stackStateOf({})).toMatchObject({ manifests: undefined, context: undefined });
});

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

const manifests = {
  directory: "dev",
  stack: "delivery/dev",
  files: { "dev/link/service.yaml": "kind: Service\n" },
  records: { [recordPath("dev", "link")]: recordWith({ repository: "acme/shop-link", digest: one }) },
};
const owner = { stack: "delivery/dev", location: "", records: [] };
const files = { ...manifests.files, [recordPath("dev", "link")]: initialRecord("link"), [ownerFile("dev")]: "" };

test.each<[what: string, changes: Record<string, string | undefined>, findings: [path: string, change: string][]]>([
  ["nothing", {}, []],
  [
    "another digest of the same image",
    { [recordPath("dev", "link")]: recordWith({ repository: "acme/shop-link", digest: two }) },
    [],
  ],
  ["an edited file", { "dev/link/service.yaml": "kind: Pod\n" }, [["dev/link/service.yaml", "was edited"]]],
  ["a deleted file", { "dev/link/service.yaml": undefined }, [["dev/link/service.yaml", "was deleted"]]],
  ["a file of others", { "dev/cart/x": "" }, [["dev/cart/x", "is not of this stack"]]],
  [
    "a deleted record",
    { [recordPath("dev", "link")]: undefined },
    [[recordPath("dev", "link"), "was deleted, so that nothing says what is to run"]],
  ],
  [
    "a record of another image",
    { [recordPath("dev", "link")]: recordWith({ repository: "evil/link", digest: two }) },
    [[recordPath("dev", "link"), "names the image evil/link instead of acme/shop-link"]],
  ],
])("in Git, %s is found as what it is", (_what, changes, findings) => {
  const now = new Map(
    Object.entries({ ...files, ...changes }).flatMap(([path, text]) => (text === undefined ? [] : [[path, text]])),
  );
  expect(gitFindings(manifests, { files: now, owner })).toEqual(findings.map(([what, change]) => ({ what, change })));
});

test("in Git, a directory that is not ours any more is found", () => {
  const facts = { files: new Map(Object.entries(files)) };
  expect(gitFindings(manifests, { ...facts, owner: undefined })).toEqual([
    { what: "dev/.delivery.yaml", change: expect.stringMatching(/^is gone or cannot be read/) },
  ]);
  expect(gitFindings(manifests, { ...facts, owner: { ...owner, stack: "other/dev" } })).toEqual([
    { what: "dev/.delivery.yaml", change: "says that the directory belongs to the stack other/dev" },
  ]);
});

const link = runningService("link", one, since);
const location: ClusterCheckArgs = {
  app: "shop",
  environment: "dev",
  namespace: "shop-dev",
  argoCdNamespace: "argocd",
  delivery: "gitops",
  records: new Map([["link", { image: { repository: "docker.io/acme/shop-link", digest: one } }]]),
  declared: new Set(["Namespace/shop-dev"]),
};
const cluster: ClusterStatus = {
  applications: [link.application],
  deployments: [link.deployment],
  objects: new Set(["Deployment/link"]),
};

test.each<[what: string, facts: Partial<ClusterStatus>, findings: [what: string, change: string][]]>([
  ["nothing", {}, []],
  ["no Application", { applications: [], objects: new Set() }, [["Application shop-dev-link", "is not there"]]],
  [
    "an Application that is OutOfSync",
    {
      applications: [
        withValue(
          withValue(link.application, ["status", "sync", "status"], "OutOfSync"),
          ["status", "resources"],
          [
            { kind: "Deployment", name: "link", status: "OutOfSync" },
            { kind: "Service", name: "old", status: "OutOfSync", requiresPruning: true },
          ],
        ),
      ],
    },
    [
      ["Application shop-dev-link", "is OutOfSync"],
      ["Deployment link", "is other than in Git, says Argo CD"],
      ["Service old", "is not in Git any more"],
    ],
  ],
  [
    "an Application that is not Healthy",
    { applications: [withValue(link.application, ["status", "health", "status"], "Degraded")] },
    [["Application shop-dev-link", "is Degraded"]],
  ],
  [
    "an Application whose healing is switched off",
    { applications: [withValue(link.application, ["spec", "syncPolicy", "automated"], undefined)] },
    [["Application shop-dev-link", "does not heal itself: automated sync or its selfHeal is off"]],
  ],
  [
    "another image",
    { deployments: [runningService("link", two, since).deployment] },
    [["Deployment link", `runs docker.io/acme/shop-link@${two}, and sha256:111111111111 is released`]],
  ],
  ["no Deployment", { deployments: [] }, [["Deployment link", "is not there"]]],
  [
    "a Deployment that is not well",
    { deployments: [withValue(link.deployment, ["status", "availableReplicas"], 0)] },
    [["Deployment link", "is Progressing: 0 of 1 new pods are available"]],
  ],
  [
    "an extra object",
    { objects: new Set(["Deployment/link", "Pod/by-hand"]) },
    [["Pod by-hand", "is extra: neither Git nor the stack declares it"]],
  ],
])("on the cluster, %s is found as what it is", (_what, facts, findings) => {
  expect(clusterFindings(location, { ...cluster, ...facts })).toEqual(
    findings.map(([what, change]) => ({ what, change })),
  );
});

test("on the cluster, a service without pods before its first release is as declared", () => {
  const records = new Map([["link", { image: undefined }]]);
  const none = withValue(link.deployment, ["spec", "replicas"], 0);
  expect(clusterFindings({ ...location, records }, { ...cluster, deployments: [none] })).toEqual([]);
  expect(clusterFindings(location, { ...cluster, deployments: [none] })).toEqual([
    { what: "Deployment link", change: "is Suspended: no pods are wanted" },
  ]);
});

const declared = {
  id: "c1",
  variables: [{ name: "TOKEN", updatedAt: "2026-01-01T10:00:00.500Z" }],
  restrictions: [{ type: "project", value: "p1" }],
};
const everyone = { id: "o1", type: "group", value: "o1", name: "All members" };
const project = { id: "r1", type: "project", value: "p1", name: "shop" };
const contextStatus: ContextStatus = {
  id: "c1",
  variables: [{ name: "TOKEN", updatedAt: "2026-01-01T10:00:00.900Z" }],
  restrictions: [everyone, project],
};

test.each<[what: string, changes: Partial<ContextStatus>, findings: [what: string, change: RegExp][]]>([
  ["nothing", {}, []],
  [
    "a variable set by others",
    { variables: [{ name: "TOKEN", updatedAt: "2026-01-01T10:00:02Z" }] },
    [["variable TOKEN", /^was set behind the stack's back at 2026-01-01T10:00:02Z$/]],
  ],
  ["a missing variable", { variables: [] }, [["variable TOKEN", /^is gone from context shop-dev$/]]],
  [
    "a foreign variable",
    { variables: [...contextStatus.variables, { name: "OTHER", updatedAt: since }] },
    [["variable OTHER", /^is in context shop-dev, and not of this stack$/]],
  ],
  ["a context made anew", { id: "c2" }, [["context shop-dev", /^was deleted and made anew by someone else$/]]],
  [
    "a missing restriction",
    { restrictions: [everyone] },
    [["context shop-dev", /^is not restricted to project p1 any more: every project .* may use its secrets$/]],
  ],
  [
    "a second project",
    { restrictions: [everyone, project, { ...project, id: "r2", value: "p2", name: "other" }] },
    [["context shop-dev", /^lets in project other \(p2\), too$/]],
  ],
  [
    "a foreign restriction",
    { restrictions: [everyone, project, { id: "r3", type: "expression", value: "true", name: "" }] },
    [["context shop-dev", /^has a restriction to expression true that is not of this stack$/]],
  ],
])("at CircleCI, %s is found as what it is", (_what, changes, findings) => {
  expect(
    contextFindings({ context: "shop-dev", organizationId: "o1" }, declared, { ...contextStatus, ...changes }),
  ).toEqual(findings.map(([what, change]) => ({ what, change: expect.stringMatching(change) })));
});
