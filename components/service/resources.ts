import { z } from "zod";

/** What pods ask for and may use. */
type Resource = "cpu" | "memory" | "ephemeral-storage";

const defaults = { requests: { cpu: "10m", memory: "32Mi" }, limits: { memory: "128Mi" } } as const;

const quoted = "Must be an amount in quotes";

/** CPU in cores, such as 0.5, or in thousandths of one, such as 500m. */
const cpuSchema = z.string(`${quoted}, such as "500m" or "0.5"`).superRefine((text, context) => {
  const reason = cpuProblem(text);
  if (reason !== undefined) context.addIssue({ code: "custom", message: reason });
});

/** Bytes with a unit, such as 64Mi. */
export const bytesSchema = z.string(`${quoted}, such as "64Mi"`).superRefine((text, context) => {
  const reason = bytesProblem(text);
  if (reason !== undefined) context.addIssue({ code: "custom", message: reason });
});

const amountsSchema = z.strictObject({
  cpu: cpuSchema.exactOptional(),
  memory: bytesSchema.exactOptional(),
  "ephemeral-storage": bytesSchema.exactOptional(),
});

export const resourcesSchema = z.strictObject({ requests: amountsSchema.optional(), limits: amountsSchema.optional() });
type ResourceSettings = z.infer<typeof resourcesSchema>;

/** A bare number above this many cores is most likely one of thousandths, and a unit says that it is none. */
const mostCores = 64;

function cpuProblem(text: string): string | undefined {
  const [, number = "", unit = ""] = /^(\d+(?:\.\d+)?)(m?)$/.exec(text) ?? [];
  if (number === "")
    return "Must be a Kubernetes quantity of cores, such as 0.5, or of thousandths of one, such as 500m";
  const thousandths = wholeProduct(number, unit === "m" ? 1 : 1000);
  if (thousandths === 0) return "Must be more than nothing; leave it out to have the default";
  if (thousandths === undefined) return "Kubernetes counts in whole thousandths of a core; round it to 1m or more";
  if (unit === "" && Number(number) > mostCores)
    return `Is ${number} whole cores; write ${number}m for thousandths of one, or ${thousandths}m if it is meant`;
  return undefined;
}

const binary = { Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40 };
const decimal = { k: 1e3, M: 1e6, G: 1e9, T: 1e12 };
const units: Readonly<Record<string, number>> = { "": 1, ...binary, ...decimal };

/** No process can start in less, and no machine has more. */
const leastBytes = 2 ** 20;
const mostBytes = 64 * binary.Ti;

function bytesProblem(text: string): string | undefined {
  const form = "Must be a Kubernetes quantity of bytes with the unit Ki, Mi, Gi, Ti, k, M, G or T, such as 64Mi";
  const [, number = "", unit = ""] = /^(\d+(?:\.\d+)?)([A-Za-z]*)$/.exec(text) ?? [];
  if (number === "") return form;
  const factor = units[unit];
  if (unit === "m") return `Is thousandths of a byte; write ${number}Mi for mebibytes`;
  if (factor === undefined) {
    const meant = Object.keys(units).find((known) => known.charAt(0).toLowerCase() === unit.charAt(0).toLowerCase());
    return meant === undefined ? form : `Has a unit that Kubernetes does not know; write ${number}${meant}`;
  }
  const bytes = Number(number) * factor;
  if (bytes === 0) return "Must be more than nothing; leave it out to have the default";
  if (bytes < leastBytes) return `Is less than 1Mi, in which nothing runs; write ${number}Mi for mebibytes`;
  if (bytes > mostBytes) return "Is more than any machine has; correct the unit";
  if (wholeProduct(number, factor) === undefined) return "Is no whole number of bytes; take a smaller unit";
  return undefined;
}

/**
 * A decimal number as written, multiplied; `undefined`: the product is not whole. Floating point numbers are seldom exact then:
 * 16.1 × 10⁹ is not, and 2.01 × 1000 is less than 2010.
 */
function wholeProduct(number: string, factor: number): number | undefined {
  const [whole = "", fraction = ""] = number.split(".");
  const product = BigInt(whole + fraction) * BigInt(factor);
  const scale = 10n ** BigInt(fraction.length);
  return product % scale === 0n ? Number(product / scale) : undefined;
}

/** Thousandths of a core, or bytes. Requires that the schema has taken it. */
function valueOf(resource: Resource, text: string): number {
  const [, number = "", unit = ""] = /^([\d.]+)([A-Za-z]*)$/.exec(text) ?? [];
  const factor = resource === "cpu" ? (unit === "m" ? 1 : 1000) : (units[unit] ?? 1);
  return wholeProduct(number, factor) ?? Number(number) * factor;
}

/** Which requests are above their limits: no such pod is ever made. */
export function contradictingResources({ requests = {}, limits = {} }: ResourceSettings): Resource[] {
  return (["cpu", "memory", "ephemeral-storage"] as const).filter((resource) => {
    const request = requests[resource];
    const limit = limits[resource];
    return request !== undefined && limit !== undefined && valueOf(resource, request) > valueOf(resource, limit);
  });
}

/** What a pod asks for and may use: what is set, and defaults that fit to it. One without a CPU request could never be autoscaled. */
export function podResources({ requests = {}, limits = {} }: ResourceSettings = {}): {
  requests: Record<string, string>;
  limits: Record<string, string>;
} {
  return {
    requests: {
      cpu: atMost("cpu", defaults.requests.cpu, limits.cpu),
      memory: atMost("memory", defaults.requests.memory, limits.memory),
      ...requests,
    },
    limits: { memory: atLeast("memory", defaults.limits.memory, requests.memory), ...limits },
  };
}

function atMost(resource: Resource, amount: string, bound: string | undefined): string {
  return bound !== undefined && valueOf(resource, bound) < valueOf(resource, amount) ? bound : amount;
}

function atLeast(resource: Resource, amount: string, bound: string | undefined): string {
  return bound !== undefined && valueOf(resource, bound) > valueOf(resource, amount) ? bound : amount;
}
