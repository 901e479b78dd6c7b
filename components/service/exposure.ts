import { isIP } from "node:net";
import { z } from "zod";
import { portsOf, primaryPort, type Listening, type NamedPort } from "./ports.ts";

const hostHint = "Is no host: lower case letters, digits, '-' and '.', such as api.acme.example, without port";

const pathHint =
  "Is no path of requests: without query and '#', every '%' with two digits, and without '//', '.' and '..' as parts";

/** What both kinds of routes take. Source: https://gateway-api.sigs.k8s.io/reference/spec/ (HTTPPathMatch) */
function isRequestPath(path: string): boolean {
  return /^(?:[-\w/.~!$&'()*+,;=:@]|%[0-9a-fA-F]{2})+$/.test(path) && !/\/\/|\/\.\.?(\/|$)|%2f/i.test(path);
}

/** Whether and where people reach a service from outside. */
export const exposeSchema = z.union(
  [
    z.boolean(),
    z.strictObject({
      /** @default `<service>.<domain>` */
      host: z
        .string()
        .max(253, "Has more than 253 characters, and DNS takes no more")
        .regex(/^(\*\.)?[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*$/, hostHint)
        .refine((host) => isIP(host) === 0, "Is an address, and requests are told apart by host names; name one")
        .optional(),
      /** What the paths of its requests begin with. @default / */
      path: z.string().startsWith("/", "A path starts with /").refine(isRequestPath, pathHint).optional(),
      /** The name of the port that requests go to. @default the primary one: `http`, or else the first */
      port: z.string("Must be the name of a port").optional(),
    }),
  ],
  "Must be true, false, or {host, path, port}",
);

/** What of a service's settings says whether it is reached from outside, and where. */
export interface Exposure extends Listening {
  readonly expose?: z.infer<typeof exposeSchema> | undefined;
}

/** Whether people reach a service from outside where the environment has a way in, which none is over UDP. */
export function isExposed(service: Exposure): boolean {
  const { expose, port } = service;
  return port !== undefined && expose !== undefined && expose !== false && connectedPorts(service).length > 0;
}

function connectedPorts(listening: Listening): NamedPort[] {
  return portsOf(listening).filter(({ protocol }) => protocol !== "UDP");
}

/** The host that an exposed service says itself. */
export function ownHost({ expose }: Exposure): string | undefined {
  return typeof expose === "object" ? expose.host : undefined;
}

/** What the paths of its requests begin with. */
export function exposedPath({ expose }: Exposure): string {
  return (typeof expose === "object" ? expose.path : undefined) ?? "/";
}

/** The port that requests from outside go to; `undefined`: it is not exposed. */
export function exposedPort(service: Exposure): NamedPort | undefined {
  if (!isExposed(service)) return undefined;
  const name = typeof service.expose === "object" ? service.expose.port : undefined;
  const ports = portsOf(service);
  return name === undefined ? primaryPort(ports) : ports.find((port) => port.name === name);
}

/** What of `expose` does not go with the ports of a service: the key, and why. */
export function exposureProblems(
  expose: Exposure["expose"],
  ports: readonly NamedPort[],
): { path: readonly string[]; message: string }[] {
  if (expose === undefined || expose === false) return [];
  const reachable = ports.filter(({ protocol }) => protocol !== "UDP").map(({ name }) => name);
  if (reachable.length === 0)
    return [
      {
        path: [],
        message: "has no port over TCP, and nothing leads to another from outside; add one to `ports`, or remove it",
      },
    ];
  const { port, path } = typeof expose === "object" ? expose : {};
  if (port !== undefined && !reachable.includes(port))
    return [
      { path: ["port"], message: `${JSON.stringify(port)}: is no port over TCP; there are ${reachable.join(", ")}` },
    ];
  const chosen = port === undefined ? primaryPort(ports) : ports.find(({ name }) => name === port);
  return path === undefined || chosen?.protocol !== "gRPC"
    ? []
    : [
        {
          path: ["path"],
          message: `${JSON.stringify(path)}: has no effect on gRPC, whose paths are its services and methods; remove it`,
        },
      ];
}
