import { mkdirSync } from "node:fs";
import { join } from "node:path";

import { choosePort } from "../ports.ts";
import { startProcess } from "../process.ts";
import type { Certificates } from "./certificates.ts";

/** Ports of etcd on the loopback interface. */
export interface EtcdPorts {
  client: number;
  peer: number;
  /** Answers health checks, without TLS; holds no data. */
  health: number;
}

export async function chooseEtcdPorts(stateDir: string): Promise<EtcdPorts> {
  return {
    client: await choosePort(stateDir, "etcd", 2379),
    peer: await choosePort(stateDir, "etcd-peer", 2380),
    health: await choosePort(stateDir, "etcd-health", 2381),
  };
}

/** Starts the cluster's database; resolves when it is healthy. */
export async function startEtcd(
  options: { stateDir: string; tools: { etcd: string }; certificates: Certificates },
  ports: EtcdPorts,
): Promise<void> {
  const { stateDir, tools, certificates } = options;
  const dataDir = join(stateDir, "etcd");
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const url = `https://127.0.0.1:${ports.client}`;
  const peerUrl = `https://127.0.0.1:${ports.peer}`;
  const healthUrl = `http://127.0.0.1:${ports.health}`;
  const { certificate, key } = certificates.etcd;
  const authority = certificates.authority.certificate;
  await startProcess(stateDir, {
    name: "etcd",
    command: tools.etcd,
    args: [
      "--name=sandbox",
      `--data-dir=${dataDir}`,
      `--listen-client-urls=${url}`,
      `--advertise-client-urls=${url}`,
      `--listen-peer-urls=${peerUrl}`,
      `--initial-advertise-peer-urls=${peerUrl}`,
      `--initial-cluster=sandbox=${peerUrl}`,
      `--listen-metrics-urls=${healthUrl}`,
      // Without client certificates every local user could read the cluster's Secrets.
      "--client-cert-auth",
      `--trusted-ca-file=${authority}`,
      `--cert-file=${certificate}`,
      `--key-file=${key}`,
      "--peer-client-cert-auth",
      `--peer-trusted-ca-file=${authority}`,
      `--peer-cert-file=${certificate}`,
      `--peer-key-file=${key}`,
      // A sandbox may lose its last seconds when the machine loses power; it must not wait for the disk.
      "--unsafe-no-fsync",
      "--auto-compaction-retention=1h",
      "--log-level=warn",
    ],
    ready: async () => (await fetch(`${healthUrl}/health`)).ok,
  });
}
