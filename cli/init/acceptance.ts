import { findServices } from "../../components/service/find-services.ts";
import type { Service } from "../../components/service/service.ts";
import { schemaProblems, type Problem } from "../../core/problem.ts";
import { unquotedVersion } from "../../core/schema-version.ts";
import { parseYaml } from "../../core/yaml.ts";
import { secretsSchema, stackSchema, type StackSettings } from "../../stacks/schema.ts";

/** What the program makes of a stack file. */
export interface Acceptance {
  readonly settings: StackSettings | undefined;
  readonly services: readonly Service[];
  readonly problems: readonly Problem[];
  /** All that the file says, without the project's prefix; secrets are there as they are encrypted. */
  readonly given: Readonly<Record<string, unknown>>;
}

/** Reads a stack file that need not be there yet, as the program does. @param file its path, for messages */
export function acceptance(file: string, text: string): Acceptance {
  const yaml = parseYaml(text);
  if ("problem" in yaml)
    return { settings: undefined, services: [], problems: [{ location: file, message: yaml.problem }], given: {} };
  const content = yaml.value;
  const config = typeof content === "object" && content !== null && "config" in content ? Object(content.config) : {};
  const settings: Record<string, unknown> = Object.fromEntries(
    Object.entries(config).map(([key, value]) => {
      const name = key.replace(/^delivery:/, "");
      return [name, name === "schemaVersion" ? unquotedVersion(value) : value];
    }),
  );
  const parsed = stackSchema.safeParse(withoutSecrets(settings));
  if (!parsed.success)
    return {
      settings: undefined,
      services: [],
      problems: schemaProblems(file, parsed.error, settings),
      given: settings,
    };
  const { services, problems } = findServices({
    ...parsed.data,
    file,
    overrides: parsed.data.services,
    dependencies: new Set(Object.keys(parsed.data.dependencies)),
  });
  return { settings: parsed.data, services, problems, given: settings };
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
