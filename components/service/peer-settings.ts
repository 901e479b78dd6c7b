import { z } from "zod";
import { peerVariable } from "../../core/names.ts";
import { variable } from "../../core/problem.ts";
import type { NamedPort } from "./ports.ts";

const variableHint = "Must be the name of an environment variable, {variable, form}, or a list of these";

/** An environment variable with the address of a service that is called, and what it holds. */
const formedVariableSchema = z.strictObject({
  variable: z.string("Set it to the name of an environment variable").pipe(variable),
  /** @default by the end of the variable's name: `url` for …_URL and …_URI, else `host:port` */
  form: z.enum(["url", "host:port", "host"], "Must be url, host:port or host").optional(),
  /** The name of the port that it leads to. @default the primary one: `http`, or else the first */
  port: z.string("Must be the name of a port").optional(),
});

/** The services that one calls: their names, or by name the variables in which its code looks for their addresses. */
export const peersSchema = z.union(
  [
    z.array(z.string("Must be the name of a service")),
    z.record(
      z.string(),
      z.union(
        [
          variable,
          formedVariableSchema,
          z.array(z.union([variable, formedVariableSchema], variableHint)).min(1, "Must name a variable"),
        ],
        variableHint,
      ),
    ),
  ],
  "Must be a list of service names, or a map of service name and variable, such as {cart: CART_ADDR}",
);
export type Peers = z.infer<typeof peersSchema>;

/** A variable that a service finds a peer in. */
export interface PeerVariable {
  readonly variable: string;
  readonly form: "url" | "host:port" | "host";
  /** The name of a port of the peer. @default the primary one */
  readonly port?: string | undefined;
}

/** The names of the services that one calls. */
export function peerNames(peers: Peers | undefined): string[] {
  return Array.isArray(peers) ? peers : Object.keys(peers ?? {});
}

/** The variables in which a service finds one of its peers: those that it names, else `<PEER>_URL`. */
export function peerVariables(peers: Peers | undefined, peer: string): PeerVariable[] {
  const named = peers === undefined || Array.isArray(peers) ? undefined : peers[peer];
  if (named === undefined) return [{ variable: peerVariable(peer), form: "url" }];
  return [named].flat().map((entry) => {
    const {
      variable: name,
      form = usualForm(name),
      port,
    } = typeof entry === "string" ? { variable: entry, port: undefined } : entry;
    return { variable: name, form, ...(port === undefined ? {} : { port }) };
  });
}

/** What a variable holds that is called so, as far as its name says. */
export function usualForm(name: string): PeerVariable["form"] {
  return /UR[LI]$/i.test(name) ? "url" : "host:port";
}

/** The address of a service within its namespace. */
export function peerAddress(form: PeerVariable["form"], name: string, { port, protocol }: NamedPort): string {
  if (form === "host") return name;
  return form === "url" ? `${protocol === "UDP" ? "udp" : "http"}://${name}:${port}` : `${name}:${port}`;
}
