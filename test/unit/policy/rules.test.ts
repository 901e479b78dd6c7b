import { describe, expect, test } from "vitest";
import type { JsonMap } from "../../../kubernetes/json.ts";
import type { KubernetesObject } from "../../../kubernetes/object.ts";
import { builtInRules } from "../../../policy/built-in-rules.ts";
import { checkPolicies, type PolicyObject, type PolicyRule } from "../../../policy/rule.ts";

const own = "docker.io/acme/shop-link";

const safe = {
  name: "link",
  image: own,
  resources: { requests: { memory: "32Mi" }, limits: { memory: "128Mi" } },
  ports: [{ containerPort: 80 }],
  readinessProbe: { tcpSocket: { port: 80 } },
  securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
};
const labels = { "app.kubernetes.io/name": "link" };

function deployment(container: JsonMap = {}, spec: JsonMap = {}): KubernetesObject {
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "link" },
    spec: {
      template: {
        metadata: { labels },
        spec: {
          securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
          containers: [{ ...safe, ...container }],
          ...spec,
        },
      },
    },
  };
}

const inGit = (object: KubernetesObject): PolicyObject => ({ object, service: "link", file: "dev/link/x.yaml" });

/** The rules that are violated, as `rule level`, with all that is said. */
function violated(...objects: KubernetesObject[]): { rules: string[]; text: string } {
  const { violations, failures } = checkPolicies(builtInRules, {
    all: objects.map(inGit),
    released: new Set([own]),
  });
  expect(failures).toEqual([]);
  return {
    rules: violations.map(({ rule, mandatory }) => `${rule}${mandatory ? "!" : ""}`),
    text: violations.map(({ message }) => message).join("\n"),
  };
}

test("a service as the program declares it violates nothing", () => {
  expect(violated(deployment()).rules).toEqual([]);
});

// Pulumi's provider gives it the namespace `default` where it cannot ask a cluster what the kind is.
test("what is in no namespace is in none of the cluster's, either", () => {
  const metadata = { name: "shop", namespace: "default" };
  expect(violated({ apiVersion: "v1", kind: "Namespace", metadata }).rules).toEqual([]);
  const apiVersion = "admissionregistration.k8s.io/v1";
  expect(violated({ apiVersion, kind: "ValidatingAdmissionPolicyBinding", metadata }).rules).toEqual([]);
});

const role = (...rules: JsonMap[]): KubernetesObject => ({
  apiVersion: "rbac.authorization.k8s.io/v1",
  kind: "Role",
  metadata: { name: "link" },
  rules,
});
const boundTo = (kind: string, name: string): KubernetesObject => ({
  apiVersion: "rbac.authorization.k8s.io/v1",
  kind: "RoleBinding",
  metadata: { name: "link" },
  roleRef: { apiGroup: "rbac.authorization.k8s.io", kind, name },
});

test("rights over one's own objects are nobody's business", () => {
  const objects = [
    role({ apiGroups: [""], resources: ["secrets"], resourceNames: ["link"], verbs: ["get"] }),
    role({ apiGroups: ["coordination.k8s.io"], resources: ["*"], verbs: ["*"] }),
    role({ apiGroups: [""], resources: ["pods"], verbs: ["get", "list"] }),
    boundTo("Role", "admin"),
    boundTo("ClusterRole", "view"),
  ];
  expect(violated(...objects).rules).toEqual([]);
});

test.each<[what: string, object: KubernetesObject, rules: string[], text: RegExp]>([
  [
    "a role that reads every Secret",
    role({ apiGroups: [""], resources: ["secrets"], verbs: ["list"] }),
    ["rights-over-others"],
    /^lets pods read every Secret, and so have the secrets of all services of the namespace; name the one/,
  ],
  [
    "a role that may all",
    role({ apiGroups: ["*"], resources: ["*"], verbs: ["*"] }),
    ["rights-over-others", "rights-over-others", "rights-over-others", "rights-over-others"],
    /make pods[^]*run commands in other pods[^]*take the tokens/,
  ],
  [
    "a role of the cluster's that may all",
    boundTo("ClusterRole", "cluster-admin"),
    ["rights-over-others"],
    /do all that the ClusterRole cluster-admin may/,
  ],
  [
    "another image without a tag",
    deployment({ image: "docker.io/acme/other" }),
    ["image-by-digest!"],
    /container link runs "docker\.io\/acme\/other", which may be another image tomorrow; name a version/,
  ],
  [
    "a volume that is another image tomorrow",
    deployment({}, { volumes: [{ name: "tools", image: { reference: "docker.io/acme/tools" } }] }),
    ["image-by-digest!", "restricted-pod"],
    /^volume tools runs "docker\.io\/acme\/tools"/,
  ],
  [
    "a container that runs first",
    deployment({}, { initContainers: [{ ...safe, name: "first", image: "busybox" }] }),
    ["image-by-digest!"],
    /^container first runs "busybox"/,
  ],
  [
    "pods of a kind that nobody knows",
    {
      apiVersion: "serving.example/v1",
      kind: "Fleet",
      metadata: { name: "link" },
      spec: { groups: [{ template: { spec: { hostNetwork: true, containers: [{ name: "main", image: "nginx" }] } } }] },
    },
    ["image-by-digest!", "memory-limit!", "privileged-pod!"],
    /container main runs "nginx"[^]*need Pod Security `privileged`, for .*hostNetwork/,
  ],
  [
    "pods whose fields such a kind has at its own top",
    {
      apiVersion: "batch.example/v1",
      kind: "Task",
      metadata: { name: "link" },
      spec: { containers: [{ ...safe, name: "main", env: [{ name: "API_TOKEN", value: "hunter2" }] }] },
    },
    ["restricted-pod", "secret-in-variable"],
    /API_TOKEN of container main looks like a secret/,
  ],
  ["latest", deployment({ image: `${own}:latest` }), ["image-by-digest!"], /shop-link:latest/],
  ["a tag that moves", deployment({ image: "redis:stable" }), ["image-by-digest!"], /redis:stable/],
  ["a registry's port and no tag", deployment({ image: "localhost:5001/redis" }), ["image-by-digest!"], /localhost/],
  ["a version", deployment({ image: "redis:8.2" }), ["image-by-tag"], /runs redis:8\.2 by its tag/],
  ["no limits", deployment({ resources: {} }), ["memory-limit!"], /has no request and no limit of memory/],
  [
    "no limit",
    deployment({ resources: { requests: { memory: "1Mi" } } }),
    ["memory-limit!"],
    /has no limit of memory; set `resources`/,
  ],
  [
    "a privileged container",
    deployment({ securityContext: { privileged: true } }),
    ["privileged-pod!"],
    /need Pod Security `privileged`, for privileged of link/,
  ],
  ["the node's network", deployment({}, { hostNetwork: true }), ["privileged-pod!"], /hostNetwork/],
  ["root", deployment({}, { securityContext: { runAsUser: 0 } }), ["restricted-pod"], /runAsUser 0/],
  [
    "a variable that is a secret",
    deployment({ env: [{ name: "DB_PASSWORD", value: "hunter2" }] }),
    ["secret-in-variable"],
    /^DB_PASSWORD of container link looks like a secret in plain text/,
  ],
  ["no probe", deployment({ readinessProbe: null }), ["readiness-probe"], /no readiness probe/],
  [
    "a Secret",
    { apiVersion: "v1", kind: "Secret", metadata: { name: "s" }, stringData: { a: "hunter2" } },
    ["secret-in-git!"],
    /a Secret with its content would be in Git/,
  ],
  [
    "a private key in a ConfigMap",
    { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "c" }, data: { k: "-----BEGIN RSA PRIVATE KEY-----" } },
    ["secret-in-git!"],
    /^data\.k has a private key in it/,
  ],
  [
    "a URL with a password",
    deployment({ env: [{ name: "DATABASE_URL", value: "postgres://shop:hunter2@db/shop" }] }),
    ["secret-in-git!"],
    /containers\[0\]\.env\[0\]\.value has a URL with a password in it/,
  ],
  [
    "a privileged namespace",
    {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name: "shop", labels: { "pod-security.kubernetes.io/enforce": "privileged" } },
    },
    ["privileged-namespace!"],
    /it enforces no Pod Security/,
  ],
  [
    "the cluster's namespace",
    { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "c", namespace: "kube-system" } },
    ["system-namespace!"],
    /it is in the namespace kube-system/,
  ],
])("%s is named, with the way out", (_what, object, rules, text) => {
  const found = violated(object);
  expect(found.rules).toEqual(rules);
  expect(found.text).toMatch(text);
  expect(found.text).not.toContain("hunter2");
});

test.each([
  ["another variable's value", "DB_PASSWORD", "$(OTHER)"],
  ["a file", "DB_PASSWORD", "/run/secrets/db"],
  ["nothing", "DB_PASSWORD", ""],
  ["a switch", "USE_TOKEN", "true"],
  ["the length of one", "PASSWORD_MIN_LENGTH", "12"],
  ["an address", "TOKEN", "https://auth.example/token"],
  ["a URL whose password is another variable", "DATABASE_URL", "postgres://shop:$(PASSWORD)@db/shop"],
])("a variable with %s is none in plain text", (_what, name, value) => {
  expect(violated(deployment({ env: [{ name, value }] })).rules).toEqual([]);
});

describe("a network policy", () => {
  const policy = (podSelector: JsonMap): KubernetesObject => ({
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: { name: "p" },
    spec: { podSelector },
  });

  test("with a typo in its labels protects nothing, as the one of the seed", () => {
    const { rules, text } = violated(deployment(), policy({ matchLabels: { "app.kubernetes.io/name": "lnik" } }));
    expect(rules).toEqual(["network-policy-selects-nothing!"]);
    expect(text).toMatch(/selects no pod that is declared; correct the labels/);
  });

  test.each([
    ["all pods", {}],
    ["those of a service", { matchLabels: labels }],
  ])("of %s does", (_what, selector) => {
    expect(violated(deployment(), policy(selector)).rules).toEqual([]);
  });
});

describe("a rule of somebody's that fails", () => {
  const rule = (check: PolicyRule["check"]): PolicyRule => ({ name: "own", level: "mandatory", check });
  const context = { all: [inGit(deployment())], released: new Set<string>() };

  test.each<[what: string, check: unknown, error: RegExp]>([
    [
      "by an error",
      () => {
        throw new Error("boom");
      },
      /boom/,
    ],
    ["by no list", () => undefined, /it returned no list of texts; return \[\] where all is well/],
    ["by a promise", async () => [], /it returned no list of texts/],
    ["by a list of something", () => [1], /it returned no list of texts/],
  ])("%s passes nothing in silence", (_what, check, error) => {
    const { failures } = checkPolicies([rule(check as PolicyRule["check"]), ...builtInRules], context);
    expect(failures).toHaveLength(1);
    expect(failures[0]?.rule).toBe("own");
    expect(String(failures[0]?.error)).toMatch(error);
  });
});
