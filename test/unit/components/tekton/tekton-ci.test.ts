import { expect, test } from "vitest";
import { TektonCi, type TektonCiArgs } from "../../../../components/tekton/tekton-ci.ts";
import { hideSecrets, openMockEngine } from "../../../support/mock-engine.ts";
import { sampleSchedules, sampleTektonCi } from "../../../support/sample-tekton-ci.ts";

async function declared(args: Partial<TektonCiArgs> = {}) {
  const engine = await openMockEngine("dev", { values: {}, secretKeys: [] });
  new TektonCi("shop", { ...sampleTektonCi, ...args });
  const resources = await engine.resources();
  const child = (type: string) =>
    Object.fromEntries(
      Object.entries(resources).flatMap(([urn, inputs]) => {
        const [own = "", name = ""] = urn.split("::");
        return own.endsWith(`$kubernetes:${type}`) ? [[name, inputs]] : [];
      }),
    );
  return { resources, child };
}

/** The variables of each Secret, by namespace and name. */
function variablesOf(secrets: Readonly<Record<string, Record<string, unknown>>>): Record<string, string[]> {
  return Object.fromEntries(
    Object.values(secrets).map(({ metadata, stringData }) => {
      const { namespace, name } = Object(metadata);
      return [`${namespace}/${name}`, Object.keys(Object(stringData).value ?? stringData).toSorted()];
    }),
  );
}

test("each context is a Secret of those namespaces alone whose runs may read it; forks have none", async () => {
  const { child } = await declared();
  expect(variablesOf(child("core/v1:Secret"))).toEqual({
    "shop-ci-deliver/shop-build": ["DOCKERHUB_PASSWORD", "DOCKERHUB_USERNAME"],
    "shop-ci/shop-read": ["DELIVERY_GIT_TOKEN", "DELIVERY_GIT_USERNAME"],
    "shop-ci-review/shop-read": ["DELIVERY_GIT_TOKEN", "DELIVERY_GIT_USERNAME"],
    "shop-ci-deliver/shop-previews": ["DELIVERY_GIT_TOKEN"],
    "shop-ci-review/shop-previews": ["DELIVERY_GIT_TOKEN"],
    "shop-ci-deliver/shop-dev": ["DELIVERY_GIT_TOKEN"],
  });
});

test("no value of a secret is in plain text", async () => {
  const { resources } = await declared();
  expect(JSON.stringify(hideSecrets(resources))).not.toMatch(/hunter/);
  const { resources: all } = await declared({ ...sampleSchedules, pull });
  expect(JSON.stringify(hideSecrets(all))).not.toMatch(/hunter/);
});

const pull = { registry: "docker.io", username: "reader", password: "pull-token" };

test("nodes get private images of jobs by the login for pulls, but for jobs of forks, whose namespace has no Secret", async () => {
  const { child } = await declared({ pull });
  const pullSecrets = Object.values(child("core/v1:Secret")).filter(
    ({ type }) => type === "kubernetes.io/dockerconfigjson",
  );
  expect(
    pullSecrets.map(({ metadata }) => `${Object(metadata).namespace}/${Object(metadata).name}`).toSorted(),
  ).toEqual(["shop-ci-deliver", "shop-ci-review", "shop-ci"].map((namespace) => `${namespace}/registry-credentials`));
  const config = { username: "reader", password: "hunter6", auth: Buffer.from("reader:hunter6").toString("base64") };
  for (const { stringData } of pullSecrets)
    expect(JSON.parse(Object(stringData).value[".dockerconfigjson"])).toEqual({
      auths: { "https://index.docker.io/v1/": config },
    });
});

test("a schedule is a CronJob that asks Pipelines-as-Code for a run, with a secret that the Repository takes for that branch alone", async () => {
  const { child } = await declared({ ...sampleSchedules, pull });
  expect(child("pipelinesascode.tekton.dev/v1alpha1:Repository")["repository"]).toMatchObject({
    spec: { incoming: [{ type: "webhook-url", targets: ["main"], secret: { name: "incoming", key: "secret" } }] },
  });
  expect(variablesOf(child("core/v1:Secret"))).toMatchObject({ "shop-ci/incoming": ["secret"] });
  expect(child("batch/v1:CronJob")).toMatchObject({
    drift: {
      metadata: { name: "drift", namespace: "shop-ci" },
      spec: {
        schedule: "0 6 * * *",
        timeZone: "Etc/UTC",
        concurrencyPolicy: "Forbid",
        jobTemplate: {
          spec: {
            template: {
              spec: {
                automountServiceAccountToken: false,
                imagePullSecrets: [{ name: "registry-credentials" }],
                containers: [
                  {
                    image: "cimg/node:24.11",
                    env: [
                      { name: "CONTROLLER", value: "http://pac.example:8080" },
                      { name: "REPOSITORY", value: "shop" },
                      { name: "NAMESPACE", value: "shop-ci" },
                      { name: "BRANCH", value: "main" },
                      { name: "RUN", value: "drift-" },
                      { name: "SECRET", valueFrom: { secretKeyRef: { name: "incoming", key: "secret" } } },
                    ],
                  },
                ],
              },
            },
          },
        },
      },
    },
  });
});

test("without a schedule, nothing but events starts a run", async () => {
  const { child } = await declared({ incoming: sampleSchedules.incoming });
  expect(child("batch/v1:CronJob")).toEqual({});
  expect(child("pipelinesascode.tekton.dev/v1alpha1:Repository")["repository"]?.["spec"]).not.toHaveProperty(
    "incoming",
  );
});

test("whoever finds out what has changed may start runs behind the own wall, and read no Secret", async () => {
  const { child } = await declared();
  const rules = [
    { apiGroups: ["tekton.dev"], resources: ["pipelineruns"], verbs: ["create", "get", "list", "patch", "delete"] },
  ];
  const roles = child("rbac.authorization.k8s.io/v1:Role");
  expect(Object.keys(roles)).toEqual(["delivery-deliver", "delivery-forks", "delivery-review"]);
  for (const wall of ["deliver", "forks", "review"])
    expect(roles[`delivery-${wall}`]).toMatchObject({ metadata: { namespace: `shop-ci-${wall}` }, rules });
  expect(child("rbac.authorization.k8s.io/v1:RoleBinding")["delivery-forks"]).toMatchObject({
    metadata: { namespace: "shop-ci-forks" },
    roleRef: { kind: "Role", name: "delivery-forks" },
    subjects: [{ kind: "ServiceAccount", name: "delivery-forks", namespace: "shop-ci" }],
  });
});

test("what an event starts is what is merged, whatever a branch has edited", async () => {
  const { child } = await declared();
  expect(child("pipelinesascode.tekton.dev/v1alpha1:Repository")["repository"]).toMatchObject({
    metadata: { namespace: "shop-ci" },
    spec: { url: "https://github.com/acme/shop", settings: { pipelinerun_provenance: "default_branch" } },
  });
});

test("a stack that does not own the project declares its environment's Secret alone", async () => {
  const { child, resources } = await declared({
    owned: false,
    environment: "prod",
    shared: { build: {}, read: {} },
    clusterContext: "ci",
  });
  expect(variablesOf(child("core/v1:Secret"))).toEqual({ "shop-ci-deliver/shop-prod": ["DELIVERY_GIT_TOKEN"] });
  expect(child("core/v1:Namespace")).toEqual({});
  expect(JSON.stringify(resources)).toContain('"context":"ci"');
});
