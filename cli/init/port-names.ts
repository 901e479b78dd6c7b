import { posix } from "node:path";
import { exposedPorts, type ExposedPort } from "../../components/dockerfile/dockerfile.ts";
import { portSchema, type NamedPort } from "../../components/service/ports.ts";
import type { FoundImage } from "./images.ts";
import { scalar } from "./yaml-text.ts";

/** Numbers that say what is spoken there. Sources: https://www.iana.org/assignments/service-names-port-numbers, and for gRPC its own examples. */
const knownPorts: Readonly<Record<number, Pick<NamedPort, "name" | "protocol">>> = {
  21: { name: "ftp", protocol: "TCP" },
  22: { name: "ssh", protocol: "TCP" },
  25: { name: "smtp", protocol: "TCP" },
  53: { name: "dns", protocol: "TCP" },
  143: { name: "imap", protocol: "TCP" },
  443: { name: "https", protocol: "TCP" },
  1883: { name: "mqtt", protocol: "TCP" },
  4317: { name: "otlp", protocol: "gRPC" },
  5005: { name: "debug", protocol: "TCP" },
  8443: { name: "https", protocol: "TCP" },
  9229: { name: "inspect", protocol: "TCP" },
  50051: { name: "grpc", protocol: "gRPC" },
};

/**
 * The ports of an image that EXPOSEs several, with guessed names. The first that no number names otherwise is `http`, so that it
 * is the one that others call, as if it alone were known.
 */
export function guessPorts(exposed: readonly ExposedPort[]): NamedPort[] {
  const first = exposed.find(({ port, transport }) => transport === "TCP" && knownPorts[port] === undefined);
  const taken = new Set<string>();
  return exposed.map((port) => {
    const { port: number, transport } = port;
    const known = knownPorts[number];
    const usual = port === first ? "http" : known?.name;
    const name = usual === undefined || taken.has(usual) ? `${transport.toLowerCase()}-${number}` : usual;
    taken.add(name);
    return { name, port: number, protocol: transport === "UDP" ? "UDP" : (known?.protocol ?? "TCP") };
  });
}

/** The setting for an image that EXPOSEs more than the one port that the program finds by itself; `undefined`: it does not. */
export function portsSetting(
  { dockerfile, target, buildArgs }: Pick<FoundImage, "dockerfile" | "target" | "buildArgs">,
  text: string,
): { readonly text: string; readonly because: string } | undefined {
  const exposed = exposedPorts(text, { target, buildArgs }).filter(({ port }) => portSchema.safeParse(port).success);
  const isFound = exposed.length === 0 || (exposed.length === 1 && exposed[0]?.transport === "TCP");
  if (isFound) return undefined;
  const entries = guessPorts(exposed).map(
    ({ name, port, protocol }) =>
      `${scalar(name)}: ${protocol === "TCP" ? port : `{ port: ${port}, protocol: ${protocol} }`}`,
  );
  return {
    text: `ports: { ${entries.join(", ")} }`,
    because: `EXPOSE of ${posix.basename(dockerfile)}; names are guessed`,
  };
}
