import { z } from "zod";
import { checkAt, ConfigError } from "./config-error.ts";
import type { Lookup } from "./expression.ts";
import { interpolated } from "./interpolation.ts";
import { statementHolds } from "./logic.ts";
import { parameterValues, withParameters } from "./parameters.ts";
import { isStepType, stepSchemas, type Step } from "./step-schema.ts";
import { listAt, mapAt, type Yaml, type YamlMap } from "./yaml.ts";

const commandSchema = z.strictObject({
  description: z.string().optional(),
  parameters: z.unknown().optional(),
  steps: z.unknown().optional(),
});
const conditionalSchema = z.strictObject({ condition: z.unknown().optional(), steps: z.unknown().optional() });
const deepest = 20;

export interface StepContext {
  commands: YamlMap;
  /** Pipeline values and parameters. */
  pipeline: Lookup;
}

/** The steps of a job, with its commands and conditional steps expanded; its own values are filled in already. */
export function expandSteps(place: string, steps: Yaml, context: StepContext, depth = 0): Step[] {
  if (depth > deepest) throw new ConfigError(place, `commands call each other more than ${deepest} deep`);
  return listAt(place, steps).flatMap((step, index) => {
    const at = `${place}.${index}`;
    if (typeof step === "string") return expandStep(at, step, undefined, context, depth);
    const entries = Object.entries(mapAt(at, step));
    const [entry] = entries;
    if (entry === undefined || entries.length > 1)
      throw new ConfigError(at, "a step must be one name with its settings");
    return expandStep(at, entry[0], entry[1] ?? undefined, context, depth);
  });
}

function expandStep(place: string, key: string, settings: Yaml, context: StepContext, depth: number): Step[] {
  const at = `${place}.${key}`;
  if (isStepType(key)) {
    // The schema of a type yields that type's settings, which the compiler cannot relate to the key.
    return [{ type: key, ...checkAt<object>(at, stepSchemas[key], settings ?? {}) } as Step];
  }
  if (key === "when" || key === "unless") {
    const { condition, steps } = checkAt(at, conditionalSchema, settings);
    // What is checked is still plain YAML.
    const holds = statementHolds(`${at}.condition`, condition as Yaml);
    return holds === (key === "when") ? expandSteps(`${at}.steps`, steps as Yaml, context, depth + 1) : [];
  }
  if (!Object.hasOwn(context.commands, key))
    throw new ConfigError(place, `the sandbox's CircleCI knows no step or command ${JSON.stringify(key)}`);
  const command = checkAt(`commands.${key}`, commandSchema, context.commands[key]);
  const given = settings === undefined ? {} : mapAt(at, settings);
  const values = parameterValues(`commands.${key}`, command.parameters as Yaml, given);
  const body = interpolated(`commands.${key}.steps`, command.steps as Yaml, withParameters(values, context.pipeline));
  return expandSteps(`commands.${key}.steps`, body, context, depth + 1);
}
