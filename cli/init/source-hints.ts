import { posix } from "node:path";
import { sourceDirectory } from "./context.ts";
import { hostsInSource } from "./hosts.ts";
import type { FoundImage } from "./images.ts";
import { dependencyOfVariable } from "./known-images.ts";
import type { Repository } from "./repository.ts";

/** What the files of a service say of whom it calls. */
export interface SourceHints {
  /** The variables that they read. */
  readonly variables: ReadonlySet<string>;
  /** The hosts that are written into them, and the file that has it. */
  readonly hosts: ReadonlyMap<string, string>;
}

const sourceFile =
  /\.(go|js|mjs|cjs|ts|py|java|kt|rs|rb|php|cs|ex|exs|ya?ml|properties|toml|ini|conf|conf\.template|template|env|env\.example)$/;
const testFile =
  /(^|\/)(tests?|__tests__|spec|e2e|integration|testdata)\/|[._-](test|spec)\.\w+$|Tests?\.\w+$|(docker-)?compose[\w.-]*\.ya?ml$/;
const environmentVariable =
  /(?:getenv|Getenv|LookupEnv|environ(?:\.get)?|ENV|env|System\.getenv|GetEnvironmentVariable|std::env::var|fetch)\s*[.([]{1,2}\s*["']?([A-Z][A-Z0-9_]{3,60})|\$\{([A-Z][A-Z0-9_]{3,60})(?::[^}]*)?\}/g;
const mostFiles = 400;

/** @param hosts those that count */
export function sourceHints(
  image: Pick<FoundImage, "dockerfile" | "context" | "run" | "name">,
  hosts: readonly string[],
  { files, read, under }: Pick<Repository, "files" | "read" | "under">,
): SourceHints {
  // Of a Dockerfile at the root, it is not known which code is its own.
  const directory = sourceDirectory(image);
  const own = (directory === "." ? [] : under(directory)).filter(
    (file) => sourceFile.test(file) && !testFile.test(file),
  );
  const variables = new Set<string>();
  const found = new Map<string, string>();
  for (const file of [...own.slice(0, mostFiles), ...configurationOf(image, files)]) {
    const text = read(file) ?? "";
    for (const [, called, braced] of text.matchAll(environmentVariable)) variables.add(called ?? braced ?? "");
    for (const host of hostsInSource(text, hosts)) if (!found.has(host)) found.set(host, file);
  }
  return { variables, hosts: found };
}

/**
 * What a server of configurations has for a service, in a file that is called as it is, and for all of its services in one beside that.
 * Source: https://docs.spring.io/spring-cloud-config/docs/current/reference/html/#_environment_repository
 */
function configurationOf(
  { dockerfile, context, run, name }: Pick<FoundImage, "dockerfile" | "context" | "run" | "name">,
  files: readonly string[],
): string[] {
  const names = new Set([name, run?.name, posix.basename(sourceDirectory({ dockerfile, context }))]);
  const shared = files.filter((file) => /^application\.(ya?ml|properties)$/.test(posix.basename(file)));
  const directories = new Set(shared.map((file) => posix.dirname(file)));
  const own = files.filter(
    (file) =>
      directories.has(posix.dirname(file)) &&
      /\.(ya?ml|properties)$/.test(file) &&
      names.has(posix.basename(file).replace(/\.[^.]+$/, "")),
  );
  const places = new Set(own.map((file) => posix.dirname(file)));
  return [...own, ...shared.filter((file) => places.has(posix.dirname(file)))];
}

/** The variables that are named after a dependency: variable → dependency. */
export function ofDependencies(variables: ReadonlySet<string>): Map<string, string> {
  return new Map(
    [...variables].flatMap((variable) => {
      const dependency = dependencyOfVariable(variable);
      return dependency !== undefined && /ADDR|HOST|URL|URI|DSN|ENDPOINT|SERVER|CONNECTION|BROKER/.test(variable)
        ? [[variable, dependency] as const]
        : [];
    }),
  );
}
