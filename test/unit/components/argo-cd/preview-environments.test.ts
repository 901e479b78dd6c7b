import { Provider } from "@pulumi/kubernetes/provider.js";
import * as pulumi from "@pulumi/pulumi";
import { expect, test } from "vitest";
import {
  PreviewEnvironments,
  type PreviewEnvironmentsArgs,
} from "../../../../components/argo-cd/preview-environments.ts";
import { previewBounds } from "../../../../components/manifests/preview-bounds.ts";
import { hideSecrets, openEnvelope, openMockEngine, recordRegistrations } from "../../../support/mock-engine.ts";

const base: Omit<PreviewEnvironmentsArgs, "provider"> = {
  app: "shop",
  settings: { label: "preview", intervalSeconds: 60 },
  github: { repository: "acme/monorepo", api: "https://api.github.com" },
  githubToken: pulumi.secret("hunter2"),
  argoCdNamespace: "argocd",
  bounds: previewBounds({ app: "shop", gateway: { domain: "dev.shop.example" }, admission: true }),
  deploy: {
    url: "https://github.com/acme/deploy.git",
    branch: "live",
    username: "reader",
    token: pulumi.secret("hunter3"),
  },
};

async function declared(args: Partial<typeof base> = {}) {
  const engine = await openMockEngine("dev", { values: {}, secretKeys: [] });
  const registrations = recordRegistrations();
  const provider = new Provider("cluster", { kubeconfig: "" });
  new PreviewEnvironments("shop-previews", { ...base, ...args, provider });
  return { resources: await engine.resources(), registrations };
}

const own = "delivery:gitops:PreviewEnvironments$";
const set = `${own}kubernetes:argoproj.io/v1alpha1:ApplicationSet::shop-previews`;
const project = "delivery:gitops:AppProject$kubernetes:argoproj.io/v1alpha1:AppProject::shop-previews";
const token = `${own}kubernetes:core/v1:Secret::shop-previews-github`;

test("every labelled pull request gets an Application of its directory, in a namespace of its own", async () => {
  const { resources } = await declared();
  expect(resources[set]).toMatchObject({
    metadata: { name: "shop-previews", namespace: "argocd" },
    spec: {
      goTemplate: true,
      generators: [
        {
          pullRequest: {
            github: {
              owner: "acme",
              repo: "monorepo",
              labels: ["preview"],
              tokenRef: { secretName: "shop-previews-github", key: "token" },
            },
            requeueAfterSeconds: 60,
          },
        },
      ],
      template: {
        metadata: {
          name: "shop-pr-{{.number}}",
          finalizers: ["resources-finalizer.argocd.argoproj.io/background"],
        },
        spec: {
          project: "shop-previews",
          source: {
            repoURL: "https://github.com/acme/deploy.git",
            targetRevision: "live",
            path: "previews/pr-{{.number}}",
          },
          destination: { namespace: "shop-pr-{{.number}}" },
          syncPolicy: { automated: { prune: true, selfHeal: true }, syncOptions: ["ServerSideApply=true"] },
        },
      },
    },
  });
});

test("what a pull request brings stays in namespaces of pull requests, and makes no other", async () => {
  const { resources } = await declared();
  expect(resources[project]).toMatchObject({
    spec: {
      sourceRepos: ["https://github.com/acme/deploy.git"],
      destinations: [{ server: "https://kubernetes.default.svc", namespace: "shop-pr-*" }],
      clusterResourceWhitelist: [{ group: "", kind: "Namespace", name: "shop-pr-*" }],
      namespaceResourceWhitelist: expect.arrayContaining([
        { group: "apps", kind: "Deployment" },
        { group: "", kind: "Secret" },
      ]),
    },
  });
});

test.each([
  ["https://api.github.com", undefined],
  ["https://github.acme.example/api/v3", "https://github.acme.example/api/v3"],
])("of the API %s Argo CD gets %s", async (api, named) => {
  const { resources } = await declared({ github: { repository: "acme/monorepo", api } });
  const spec = Object(resources[set]?.["spec"]);
  expect(spec.generators[0].pullRequest.github.api).toBe(named);
});

test("the token is in a Secret, and nowhere else", async () => {
  const { resources } = await declared();
  expect(openEnvelope(resources[token]?.["stringData"])).toEqual({ token: "hunter2" });
  expect(JSON.stringify(hideSecrets(resources))).not.toMatch(/hunter/);
});

test("a public repository needs no token", async () => {
  const { resources } = await declared({ githubToken: undefined });
  expect(resources).not.toHaveProperty([token]);
  expect(Object(resources[set]?.["spec"]).generators[0].pullRequest.github).not.toHaveProperty("tokenRef");
});

test("the Applications go before the project and the credentials that they need", async () => {
  const { registrations } = await declared();
  expect(registrations.get("kubernetes:argoproj.io/v1alpha1:ApplicationSet::shop-previews")?.dependsOn).toEqual([
    "kubernetes:admissionregistration.k8s.io/v1:ValidatingAdmissionPolicyBinding::shop-previews-bounds",
    "kubernetes:argoproj.io/v1alpha1:AppProject::shop-previews",
    "kubernetes:core/v1:Secret::shop-previews",
    "kubernetes:core/v1:Secret::shop-previews-github",
  ]);
});

test("where commits are signed, the project applies nothing else", async () => {
  const { resources } = await declared({ deploy: { ...base.deploy, signedBy: ["0123456789ABCDEF"] } });
  expect(resources[project]).toMatchObject({
    spec: {
      sourceIntegrity: {
        git: {
          policies: [
            {
              repos: [{ url: "https://github.com/acme/deploy.git" }],
              gpg: { mode: "head", keys: ["0123456789ABCDEF"] },
            },
          ],
        },
      },
    },
  });
  expect((await declared()).resources[project]).not.toHaveProperty("spec.sourceIntegrity");
});
