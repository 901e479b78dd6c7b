import { createHash, randomBytes } from "node:crypto";
import { isMap } from "../../../kubernetes/json.ts";
import { hasUnknown, reveal, secret, type PropertyMap, type PropertyValue } from "../property.ts";
import type { CheckFailure, CheckRequest, CheckResult } from "../resource-provider.ts";
import type { Field, ResourceType } from "./resource-type.ts";

/** Validates a program's inputs, names the resource if it has no name, and marks the secrets of the schema. */
export function check(type: ResourceType, request: CheckRequest): CheckResult {
  const inputs: PropertyMap = {};
  const failures: CheckFailure[] = [];
  const takes = Object.entries(type.fields).filter(([, field]) => field.kind !== "computed");
  for (const name of Object.keys(request.news)) {
    // The engine's own properties, such as `__internal`, are not the program's.
    if (name.startsWith("__") || takes.some(([known]) => known === name)) continue;
    failures.push({
      property: name,
      reason: `${type.token} has no input ${name}; it takes ${takes.map(([known]) => known).join(", ")}`,
    });
  }
  for (const [name, field] of takes) {
    const value = request.news[name] ?? (name === "name" ? (request.olds[name] ?? automaticName(request)) : undefined);
    if (value === undefined || value === null) {
      if (field.kind === "required")
        failures.push({ property: name, reason: `missing required property ${name} of ${type.token}` });
      continue;
    }
    const problem = hasUnknown(value) ? undefined : problemOf(field, reveal(value));
    if (problem !== undefined) failures.push({ property: name, reason: `${name} of ${type.token} ${problem}` });
    inputs[name] = field.secret === true ? secret(value) : value;
  }
  return failures.length > 0 ? { inputs, failures } : { inputs };
}

/** As Pulumi's bridge names: the logical name and seven hexadecimal digits, kept through updates. */
function automaticName({ name, randomSeed }: CheckRequest): string {
  const seed = randomSeed.length > 0 ? createHash("sha256").update(randomSeed).update(name).digest() : randomBytes(4);
  return `${name}-${seed.toString("hex").slice(0, 7)}`;
}

function problemOf(field: Field, value: PropertyValue): string | undefined {
  switch (field.type) {
    case "string":
      return typeof value === "string" ? withValue(value, field.problem?.(value)) : wrong("a string", value);
    case "boolean":
      return typeof value === "boolean" ? undefined : wrong("a boolean", value);
    case "strings":
      return Array.isArray(value) && value.every((item) => typeof item === "string")
        ? undefined
        : wrong("a list of strings", value);
    case "object":
      return isMap(value) && Object.values(value).every((item) => ["string", "number", "boolean"].includes(typeof item))
        ? undefined
        : wrong("an object of strings, numbers and booleans", value);
  }
}

function withValue(value: string, problem: string | undefined): string | undefined {
  return problem === undefined ? undefined : `is ${JSON.stringify(value)}: ${problem}`;
}

/** Says what kind of value it is, not the value, which may be a secret. */
function wrong(wanted: string, value: PropertyValue): string {
  return `must be ${wanted}, not ${Array.isArray(value) ? "a list" : `of type ${typeof value}`}`;
}
