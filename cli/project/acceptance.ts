import { findServices } from "../../components/service/find-services.ts";
import type { Service } from "../../components/service/service.ts";
import type { Problem } from "../../core/problem.ts";
import { settingsProblems } from "../../core/schema-version.ts";
import { withValueProblems } from "../../core/setting-values.ts";
import { parseSettings } from "../../core/yaml.ts";
import { secretsSchema, stackSchema, type StackSettings } from "../../stacks/schema.ts";
import { programSettings, stackNameOf, versionProblems } from "../../stacks/stack-file.ts";
import { objectProblems, stackProblems } from "../../stacks/stack-problems.ts";
import { discoveryArgs } from "../../stacks/stage-args.ts";

/** What the program makes of a stack file. */
export interface Acceptance {
  readonly settings: StackSettings | undefined;
  readonly services: readonly Service[];
  readonly problems: readonly Problem[];
  /** All that the file says, without the project's prefix; secrets are there as they are encrypted. */
  readonly given: Readonly<Record<string, unknown>>;
}

/**
 * Reads a whole stack file that need not be there yet, and refuses what the program does; only its secrets, which the engine
 * decrypts, do not count.
 * @param file its path, for messages
 * @param stack the name of the stack. @default that in the path
 */
export function acceptance(file: string, text: string, stack = stackNameOf(file)): Acceptance {
  const yaml = parseSettings(text);
  if ("problem" in yaml)
    return { settings: undefined, services: [], problems: [{ location: file, message: yaml.problem }], given: {} };
  const content = yaml.value;
  const config = typeof content === "object" && content !== null && "config" in content ? Object(content.config) : {};
  const settings = programSettings(config);
  const refused = (problems: readonly Problem[]): Acceptance => ({
    settings: undefined,
    services: [],
    problems,
    given: settings,
  });
  const version = versionProblems(file, settings);
  if (version.length > 0) return refused(version);
  const plain = withoutSecrets(settings);
  const parsed = stackSchema.safeParse(plain);
  if (!parsed.success)
    return refused(withValueProblems(file, plain, settingsProblems("stack", file, parsed.error, settings)));
  const { services, problems: found } = findServices(discoveryArgs({ ...parsed.data, file }));
  const problems = [...withValueProblems(file, plain, []), ...stackProblems(file, stack, parsed.data), ...found];
  return {
    settings: parsed.data,
    services,
    problems: problems.length > 0 ? problems : objectProblems(parsed.data, stack, services),
    given: settings,
  };
}

function withoutSecrets(settings: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(settings).filter(([key]) => !(key in secretsSchema.shape)));
}

/** The service that a problem is of: by the key in the stack file, or by the path of its own files. */
export function serviceOf({ location }: Problem, services: readonly Service[]): string | undefined {
  const [, key] = /: services\.([^.]+)/.exec(location) ?? [];
  return (
    key ??
    services.find(({ directory, dockerfile }) =>
      [directory, dockerfile].some((path) => location === path || location.startsWith(`${path}/`)),
    )?.name
  );
}
