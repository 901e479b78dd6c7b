import type { ServiceSettings } from "../../components/service/service.ts";
import { podImage, writePodProgram } from "./pod-program.ts";
import type { Monorepo } from "./monorepo.ts";

/** A secret of the stack that the sandbox's own has. */
export const fileSecret = "token-secret";

/** A file that is mounted, and in no image. */
export const mountedFile = "shared/logo.bin";

/** What each service says, as in `services` of a stack file. */
const podServices: Record<string, Partial<ServiceSettings>> = {
  all: {
    ports: {
      http: { port: 80 },
      rpc: { port: 9090, protocol: "gRPC" },
      dns: { port: 53, protocol: "UDP" },
      "dns-tcp": { port: 53 },
    },
    env: { HTTP: "80 53", GRPC: "9090", UDP: "53", ASK: "udp://all:53" },
    probes: { liveness: "/healthz", readiness: { grpc: "rpc", service: "pod.v1.All" } },
  },
  caller: {
    kind: "worker",
    peers: { all: ["ALL_URL", { variable: "ALL_DNS", port: "dns" }] },
    env: { ASK: "http://all:80 http://all:53 udp://all:53" },
  },
  commanded: {
    kind: "worker",
    command: ["/program"],
    args: ["serve", "--greeting=hello you", "$(LEVEL)"],
    env: {
      LEVEL: "debug",
      WRITE: "/var/cache/a /tmp/a /etc/a",
      READ: "/etc/app/app.yaml /etc/app/logo.bin /etc/app/key.pem /etc/app/neighbour",
    },
    scratch: [{ path: "/var/cache" }],
    probes: {
      liveness: { exec: ["/program", "check", "/var/cache/a"] },
      readiness: { exec: ["/program", "check", "/etc/app/app.yaml"] },
    },
    files: {
      "/etc/app/app.yaml": { content: "level: info\nlist: [yes, 0o7]\n" },
      "/etc/app/logo.bin": { file: `../${mountedFile}` },
      "/etc/app/key.pem": { secret: fileSecret },
    },
  },
  slow: {
    ports: { rpc: { port: 9090, protocol: "gRPC" } },
    env: { GRPC: "9090", READY_AFTER: "8" },
    probes: { liveness: "grpc", readiness: "grpc", startup: { seconds: 90 } },
  },
  paused: {
    kind: "worker",
    peers: { all: "RECORDER" },
    preStop: { sleep: 3 },
    terminationGracePeriodSeconds: 20,
  },
  lingering: {
    kind: "worker",
    peers: { all: "RECORDER" },
    preStop: { exec: ["/program", "say", "preStop"] },
    env: { LINGER: "600" },
    terminationGracePeriodSeconds: 3,
  },
  capable: { kind: "worker", command: ["/as-root"], args: ["serve"], capabilities: ["SETUID"] },
  incapable: { kind: "worker", command: ["/as-root"], args: ["serve"] },
};

/** The same for a stack file: all of them have one image. */
export const podSettings: Record<string, ServiceSettings> = Object.fromEntries(
  Object.entries(podServices).map(([name, own]) => [name, { ...podImage, ...own }]),
);

/** What of them is in the monorepo. */
export function writePodServices(monorepo: Monorepo): void {
  writePodProgram(monorepo);
  monorepo.write(mountedFile, "\r\n\u0000");
}
