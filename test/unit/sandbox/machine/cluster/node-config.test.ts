import { expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { addressesOf } from "../../../../../sandbox/machine/cluster/addresses.ts";
import {
  cniConfig,
  containerdConfig,
  corefile,
  kubeletConfig,
  proxyConfig,
  registryHosts,
} from "../../../../../sandbox/machine/cluster/node-config.ts";
import { simulatedStages } from "../../../../../sandbox/machine/cluster/simulated-node.ts";

const addresses = addressesOf(101);

test("containerd is told where everything is, in strings that survive odd paths", () => {
  const config = containerdConfig({ runc: '/cache/a "b"/runc', snapshotter: "native" });
  expect(config).toContain('BinaryName = "/cache/a \\"b\\"/runc"\n');
  expect(config).toContain('bin_dir = "/run/sandbox/node/cni-plugins"\n');
  expect(config).toContain('snapshotter = "native"\n');
});

test("the registry that images name is looked for where the node reaches it", () => {
  expect(registryHosts("http://10.101.0.1:5001")).toBe(
    'server = "http://10.101.0.1:5001"\n\n[host."http://10.101.0.1:5001"]\ncapabilities = ["pull", "resolve"]\n',
  );
});

test("kubelet, kube-proxy, pods and DNS agree on the addresses", () => {
  const kubelet = kubeletConfig({
    addresses,
    cgroup: "delivery-sandbox-1",
    certificate: "c",
    key: "k",
    authority: "a",
  });
  expect(kubelet).toMatchObject({
    address: "10.101.0.2",
    clusterDNS: ["10.101.0.2"],
    clusterDomain: "cluster.local",
    cgroupRoot: "/delivery-sandbox-1",
  });
  expect(proxyConfig({ addresses, kubeconfig: "/run/sandbox/proxy" })).toMatchObject({
    mode: "nftables",
    clusterCIDR: "10.101.64.0/18",
  });
  expect(cniConfig(addresses)).toMatchObject({
    plugins: [{ type: "ptp", ipam: { ranges: [[{ subnet: "10.101.64.0/18" }]] } }],
  });
  expect(corefile({ addresses, kubeconfig: "/run/sandbox/dns" })).toMatch(
    /^cluster\.local:53 in-addr\.arpa:53 \{\n {4}bind 10\.101\.0\.2\n/,
  );
});

test("the kubelet accepts no call without a certificate or token, and no plain HTTP", () => {
  const kubelet = kubeletConfig({ addresses, cgroup: "g", certificate: "c", key: "k", authority: "a" });
  expect(kubelet).toMatchObject({
    authentication: { anonymous: { enabled: false }, x509: { clientCAFile: "a" } },
    authorization: { mode: "Webhook" },
    readOnlyPort: 0,
  });
});

test("kwok's stages are one YAML document each", () => {
  const stages = parseAllDocuments(simulatedStages()).map((document): unknown => document.toJS());
  expect(stages).toHaveLength(4);
  expect(stages).toMatchObject(
    ["node-ready", "pod-ready", "pod-complete", "pod-delete"].map((name) => ({ kind: "Stage", metadata: { name } })),
  );
});
