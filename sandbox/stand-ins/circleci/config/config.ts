/**
 * Compiles CircleCI's config of version 2.1, as far as `delivery ci-config` writes it: parameters, pipeline values, expressions
 * and logic statements, reusable commands and executors, workflows with conditions, filters, contexts and approvals. Whatever
 * else it has (orbs, matrices, machine executors …) is refused by name, so that nothing is silently not run.
 * Source: https://circleci.com/docs/configuration-reference/
 */
import type { Lookup } from "../../../../circleci/expression.ts";
import { setupProblem } from "../../../../circleci/references.ts";
import { sectionsSchema } from "../../../../circleci/schema.ts";
import { ConfigError, mapAt, type Scalar, type Yaml, type YamlMap } from "../../../../circleci/yaml.ts";
import { parameterValues } from "./parameters.ts";
import { checkAt, parseConfig } from "./read.ts";
import { compileWorkflow, type CompiledWorkflow } from "./workflow.ts";

export interface CompiledConfig {
  /** Whether its one workflow only finds out how the pipeline goes on. */
  setup: boolean;
  workflows: CompiledWorkflow[];
}

interface ConfigContext {
  /** Pipeline values by name without `pipeline.`, e.g. `git.branch`; `null`: not set for this pipeline. */
  values: Readonly<Record<string, Scalar>>;
  /** Pipeline parameters that were given. */
  parameters: Readonly<Record<string, Scalar>>;
}

/** Reads a config and fills in everything that does not depend on how its jobs end. @throws ConfigError */
export function compileConfig(text: string, { values, parameters }: ConfigContext): CompiledConfig {
  const { setup = false, ...sections } = checkAt("", sectionsSchema, parseConfig(text));
  // What is checked is still plain YAML.
  const section = (key: "executors" | "commands" | "jobs" | "workflows"): YamlMap =>
    mapAt(key, (sections[key] ?? {}) as Yaml);
  const declared = parameterValues("", sections.parameters as Yaml, parameters);
  const context = {
    pipeline: pipelineLookup(values, declared),
    branch: typeof values["git.branch"] === "string" ? values["git.branch"] : undefined,
    tag: typeof values["git.tag"] === "string" ? values["git.tag"] : undefined,
    jobs: section("jobs"),
    executors: section("executors"),
    commands: section("commands"),
  };
  const workflows = Object.entries(section("workflows")).flatMap(([name, workflow]) => {
    const compiled = compileWorkflow(name, workflow, context);
    return compiled === undefined || compiled.jobs.length === 0 ? [] : [compiled];
  });
  const problem = setup ? setupProblem(workflows.length) : undefined;
  if (problem !== undefined) throw new ConfigError("workflows", problem);
  return { setup, workflows };
}

function pipelineLookup(values: Readonly<Record<string, Scalar>>, parameters: YamlMap): Lookup {
  return (name) => {
    const [, key] = /^pipeline\.(.+)$/.exec(name) ?? [];
    if (key === undefined) return undefined;
    return key.startsWith("parameters.") ? parameters[key.slice("parameters.".length)] : values[key];
  };
}
