import type { Problem } from "../../core/problem.ts";
import type { Candidate } from "./candidates.ts";

/**
 * Variables of one service that would have to hold two values, of which one would be lost.
 * @param absent the dependencies that the environment has none of
 */
export function variableProblems(
  { settings, origin }: Pick<Candidate, "settings" | "origin">,
  absent: ReadonlySet<string>,
): Problem[] {
  const { env = {}, secrets = {}, dependencies = {} } = settings;
  // Of two layers, the later one's counts; these stand in one.
  const twice = Object.keys(env)
    .filter((variable) => Object.hasOwn(secrets, variable))
    .map((variable) => ({
      location: origin("env", variable),
      message: `has no effect beside ${origin("secrets", variable)}, which sets the same variable; remove one of them`,
    }));
  const ofDependencies = Object.entries(dependencies)
    .filter(([name]) => !absent.has(name))
    .flatMap(([name, variables]) => Object.entries(variables).map(([key, variable]) => ({ name, key, variable })));
  const shared = ofDependencies.flatMap(({ name, key, variable }, index) => {
    const other = ofDependencies.slice(0, index).find((before) => before.variable === variable);
    if (other === undefined) return [];
    const message = `${variable} is to hold the ${other.key} of ${other.name} already; give each a variable of its own`;
    return [{ location: origin("dependencies", name, key), message }];
  });
  return [...twice, ...shared];
}
