import { z } from "zod";

/** A port, 1 to 65535. */
export const portSchema = z
  .int("Must be a whole number")
  .min(1, "A port is 1 to 65535")
  .max(65_535, "A port is 1 to 65535");

const nameHint = "A port's name is up to 15 lower case letters, digits and single '-', with a letter among them";
/** The name of a service as in RFC 6335, as Kubernetes asks of the names of ports. */
const nameSchema = z
  .string()
  .max(15, nameHint)
  .regex(/^(?=.*[a-z])[a-z0-9]+(-[a-z0-9]+)*$/, nameHint);

const portDetailsSchema = z.strictObject({
  port: portSchema,
  /** What is spoken there: anything over TCP or UDP, or gRPC, which is HTTP/2 without TLS. @default TCP */
  protocol: z.enum(["TCP", "UDP", "gRPC"], "Must be TCP, UDP or gRPC").exactOptional(),
});
const portFormHint = "Must be a port such as 8080, or {port, protocol}";
const portNumberSchema = portSchema.transform((port): { port: number; protocol?: "TCP" | "UDP" | "gRPC" } => ({
  port,
}));
const portsHint = "Must be a map of names and ports, such as {http: 8080, grpc: {port: 9090, protocol: gRPC}}";
const noPortHint = "Must name a port; leave it out to have what the Dockerfile EXPOSEs";

/** The ports that a service listens on, by their names. */
export const portsSchema = z
  .record(nameSchema, z.union([portNumberSchema, portDetailsSchema], portFormHint), portsHint)
  .refine(hasKeys, noPortHint);

/** What one layer of settings says of them. */
export const portsLayerSchema = z
  .record(nameSchema, z.union([portNumberSchema, portDetailsSchema.partial()], portFormHint), portsHint)
  .refine(hasKeys, noPortHint);

function hasKeys(map: object): boolean {
  return Object.keys(map).length > 0;
}

/** A port as its Service, its container and its probes call it. */
export interface NamedPort {
  readonly name: string;
  readonly port: number;
  readonly protocol: "TCP" | "UDP" | "gRPC";
}

/** What of a service's settings says where it listens. */
export interface Listening {
  readonly port?: number | undefined;
  readonly ports?: z.infer<typeof portsSchema> | undefined;
}

/** The ports of a service in the order in which they are written; empty: nobody reaches it. */
export function portsOf({ port, ports }: Listening): readonly NamedPort[] {
  if (ports !== undefined)
    return Object.entries(ports).map(([name, { port: number, protocol = "TCP" }]) => ({
      name,
      port: number,
      protocol,
    }));
  return port === undefined ? [] : [{ name: "http", port, protocol: "TCP" }];
}

/**
 * The port at which others reach a service that they only know by name: `http`, or else the first one. One over UDP is that
 * only where there is no other.
 */
export function primaryPort(ports: readonly NamedPort[]): NamedPort | undefined {
  const connected = ports.filter(({ protocol }) => protocol !== "UDP");
  const eligible = connected.length > 0 ? connected : ports;
  return eligible.find(({ name }) => name === "http") ?? eligible[0];
}

/** What carries a port's protocol. */
export function transportOf({ protocol }: Pick<NamedPort, "protocol">): "TCP" | "UDP" {
  return protocol === "UDP" ? "UDP" : "TCP";
}

/** Ports of one number and transport, of which a container can open one: the name of each such, and of the one before it. */
export function duplicatePorts(ports: readonly NamedPort[]): [name: string, other: string][] {
  return ports.flatMap((port, index) => {
    const other = ports
      .slice(0, index)
      .find((before) => before.port === port.port && transportOf(before) === transportOf(port));
    return other === undefined ? [] : [[port.name, other.name] as [string, string]];
  });
}
