/**
 * The baseline of the preview benchmark: the resources of the sandbox stack written by hand, without configuration,
 * discovery, validation or components, as in a first Pulumi program.
 */
import * as circleci from "@pulumi/circleci/bin/index.js";
import { Image } from "@pulumi/docker/image.js";
import { Deployment } from "@pulumi/kubernetes/apps/v1/deployment.js";
import { ConfigMap } from "@pulumi/kubernetes/core/v1/configMap.js";
import { Namespace } from "@pulumi/kubernetes/core/v1/namespace.js";
import { Secret } from "@pulumi/kubernetes/core/v1/secret.js";
import { Service } from "@pulumi/kubernetes/core/v1/service.js";
import { ServiceAccount } from "@pulumi/kubernetes/core/v1/serviceAccount.js";
import { NetworkPolicy } from "@pulumi/kubernetes/networking/v1/networkPolicy.js";
import { PodDisruptionBudget } from "@pulumi/kubernetes/policy/v1/podDisruptionBudget.js";
import { Provider } from "@pulumi/kubernetes/provider.js";
import * as pulumi from "@pulumi/pulumi";

const password = pulumi.secret("password");
const services = [
  { name: "social-graph", port: 7072, directory: "social_graph_service", peers: [] },
  { name: "user", port: 7071, directory: "user_service", peers: [] },
  { name: "link", port: 7070, directory: "link_service", peers: ["social-graph"] },
  { name: "news", port: 7073, directory: "news_service", peers: ["link", "social-graph"] },
  {
    name: "api-gateway",
    port: 8080,
    directory: "api_gateway_service",
    peers: ["link", "news", "social-graph", "user"],
  },
];

const ci = new circleci.Provider("raw", { key: pulumi.secret("token"), host: "http://localhost:8100/api/v2" });
const project = new circleci.Project(
  "raw",
  { name: "raw", organizationId: "7d1f3c52-5d0e-4c1b-9c55-0a5d3c7e1f10" },
  { provider: ci },
);
const context = new circleci.Context(
  "raw",
  { name: "raw", organizationId: "7d1f3c52-5d0e-4c1b-9c55-0a5d3c7e1f10" },
  { provider: ci },
);
new circleci.ContextRestriction("raw", { contextId: context.id, type: "project", value: project.id }, { provider: ci });
for (const name of ["DOCKERHUB_USERNAME", "DOCKERHUB_PASSWORD"]) {
  new circleci.ContextEnvironmentVariable(name, { contextId: context.id, name, value: password }, { provider: ci });
}

const provider = new Provider("raw", { kubeconfig: "" });
const own = { provider };
const namespace = "raw";
const home = new Namespace(namespace, { metadata: { name: namespace } }, own);
const inNamespace = { ...own, dependsOn: home };
const pull = new Secret(
  "registry-credentials",
  { metadata: { name: "registry-credentials", namespace }, stringData: { ".dockerconfigjson": password } },
  inNamespace,
);
const token = new Secret(
  "api-gateway",
  { metadata: { name: "api-gateway-secrets", namespace }, stringData: { TOKEN_SECRET: password } },
  inNamespace,
);
const deployments = new Map<string, pulumi.Resource>();

for (const { name, port, directory, peers } of services) {
  const labels = { "app.kubernetes.io/name": name };
  const metadata = { name, namespace, labels };
  const tagged = `localhost:5001/delinkcious/delinkcious-${name}:0.1`;
  const image = new Image(name, {
    imageName: tagged,
    build: {
      context: "examples/delinkcious",
      dockerfile: `examples/delinkcious/svc/${directory}/Dockerfile`,
      platform: "linux/amd64",
      args: { BUILDKIT_INLINE_CACHE: "1" },
      cacheFrom: { images: [tagged] },
    },
    registry: { server: "localhost:5001", username: "delivery", password },
  });
  // A service starts after those that it calls, as in the stack.
  const after = { ...own, dependsOn: [home, pull, token, ...peers.flatMap((peer) => deployments.get(peer) ?? [])] };
  const account = new ServiceAccount(name, { metadata, imagePullSecrets: [{ name: "registry-credentials" }] }, after);
  const variables = new ConfigMap(name, { metadata, data: { PORT: String(port) } }, after);
  const policy = new NetworkPolicy(
    name,
    {
      metadata,
      spec: { podSelector: { matchLabels: labels }, policyTypes: ["Ingress"], ingress: [{ ports: [{ port }] }] },
    },
    after,
  );
  new PodDisruptionBudget(name, { metadata, spec: { maxUnavailable: 1, selector: { matchLabels: labels } } }, after);
  const deployment = new Deployment(
    name,
    {
      metadata,
      spec: {
        selector: { matchLabels: labels },
        template: {
          metadata: { labels },
          spec: {
            serviceAccountName: name,
            containers: [
              {
                name,
                image: image.repoDigest,
                ports: [{ containerPort: port }],
                envFrom: [{ configMapRef: { name } }],
              },
            ],
          },
        },
      },
    },
    { ...own, dependsOn: [account, variables, policy] },
  );
  deployments.set(
    name,
    new Service(name, { metadata, spec: { selector: labels, ports: [{ port }] } }, { ...own, dependsOn: deployment }),
  );
}
