import { readdirSync } from "node:fs";
import { join } from "node:path";
import * as circleci from "@pulumi/circleci/bin/index.js";
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
import { shopPeer } from "./shop.ts";

/**
 * The baseline of the benchmark of large stacks: the same objects of the shop written by hand, six for each service, without
 * configuration, discovery, validation or components, as in a first Pulumi program.
 * @param directory of the shop
 */
export function declareShopByHand(directory: string): void {
  const password = pulumi.secret("password");
  const organizationId = "7d1f3c52-5d0e-4c1b-9c55-0a5d3c7e1f10";
  const ci = { provider: new circleci.Provider("ci", { key: password, host: "http://localhost:8100/api/v2" }) };
  const project = new circleci.Project("ci", { name: "shop", organizationId }, ci);
  const context = new circleci.Context("ci", { name: "shop", organizationId }, ci);
  new circleci.ContextRestriction("ci", { contextId: context.id, type: "project", value: project.id }, ci);
  for (const name of ["DOCKERHUB_USERNAME", "DOCKERHUB_PASSWORD"])
    new circleci.ContextEnvironmentVariable(name, { contextId: context.id, name, value: password }, ci);
  const own = { provider: new Provider("cluster", { kubeconfig: "" }) };
  const namespace = "shop-large";
  const home = new Namespace(namespace, { metadata: { name: namespace } }, own);
  const registryCredentials = "registry-credentials";
  new Secret(
    registryCredentials,
    { metadata: { name: registryCredentials, namespace }, stringData: { ".dockerconfigjson": password } },
    { ...own, dependsOn: home },
  );
  const services = readdirSync(join(directory, "shop/svc")).toSorted();
  const running = new Map<string, pulumi.Resource>();
  for (const [index, name] of services.entries()) {
    const peer = shopPeer(services, index);
    const labels = { "app.kubernetes.io/name": name };
    const metadata = { name, namespace, labels };
    // A service starts after those that it calls, as in the stack.
    const after = { ...own, dependsOn: [home, running.get(peer ?? "") ?? home] };
    const account = new ServiceAccount(name, { metadata, imagePullSecrets: [{ name: registryCredentials }] }, after);
    const addresses = peer === undefined ? {} : { [`${peer.toUpperCase()}_URL`]: `http://${peer}:8080` };
    const variables = new ConfigMap(name, { metadata, data: { LOG_LEVEL: "info", ...addresses } }, after);
    const policy = new NetworkPolicy(
      name,
      {
        metadata,
        spec: {
          podSelector: { matchLabels: labels },
          policyTypes: ["Ingress"],
          ingress: [{ ports: [{ port: 8080 }] }],
        },
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
                  image: `docker.io/acme/shop-${name}@sha256:${"1".repeat(64)}`,
                  ports: [{ containerPort: 8080 }],
                  envFrom: [{ configMapRef: { name } }],
                  readinessProbe: { tcpSocket: { port: 8080 } },
                  resources: { requests: { cpu: "10m", memory: "32Mi" }, limits: { memory: "128Mi" } },
                },
              ],
            },
          },
        },
      },
      { ...own, dependsOn: [account, variables, policy] },
    );
    running.set(
      name,
      new Service(
        name,
        { metadata, spec: { selector: labels, ports: [{ port: 8080 }] } },
        { ...own, dependsOn: deployment },
      ),
    );
  }
}
