import { posix } from "node:path";
import type { BuildChoice } from "../../components/dockerfile/dockerfile.ts";
import { contextSources } from "../affected/context-sources.ts";
import { dockerfileSources } from "../affected/dockerfile.ts";
import { glob } from "../affected/glob.ts";
import { isIn, upwards } from "../affected/source-tree.ts";
import type { Repository } from "./repository.ts";
import type { Run } from "./run.ts";

/** What the build of an image sees, as far as the repository tells. Paths are from its root. */
export interface GuessedContext {
  readonly context: string;
  /** Why that is taken for it. */
  readonly because: string;
  /** What the Dockerfile copies from there, and Git does not have. */
  readonly missing: readonly string[];
}

interface ContextArgs {
  readonly dockerfile: string;
  readonly text: string;
  readonly choice: BuildChoice;
  readonly run: Run | undefined;
}

/** The directory from which the most of what a Dockerfile copies and builds is there; of several, the innermost. */
export function guessContext(
  { dockerfile, text, choice, run }: ContextArgs,
  repository: Pick<Repository, "has" | "under">,
): GuessedContext {
  const said = run?.build?.dockerfile === dockerfile ? run.build.context : undefined;
  const candidates = [...new Set([...(said === undefined ? [] : [said]), ...upwards(posix.dirname(dockerfile))])];
  const { goBuilds } = dockerfileSources(text, choice);
  const copied = contextSources(text, choice).map((source) => posix.normalize(`./${source}`).replace(/(.)\/$/, "$1"));
  const rated = candidates.map((context) => {
    const missing = copied.filter((source) => !isThere(context, source, repository));
    const packages = goBuilds.filter(
      ({ directory, importPath }) =>
        importPath === undefined && !hasGoFiles(posix.join(context, directory), repository),
    );
    const lacking = requirements.filter(
      ({ tool, files }) => tool.test(text) && !files.some((file) => repository.has(posix.join(context, file))),
    );
    return { context, missing, score: missing.length + packages.length + lacking.length / 2 };
  });
  const best = rated.reduce((found, next) => (next.score < found.score ? next : found));
  const because =
    best.context === said
      ? (run?.build?.because ?? `${run?.file} builds it there`)
      : best.missing.length === 0
        ? "all that its Dockerfile copies is there"
        : "most of what its Dockerfile copies is there";
  return { context: best.context, because, missing: best.missing };
}

/** Where the files of a service are that tell what it is: beside its Dockerfile, unless its build sees others alone. */
export function sourceDirectory({
  dockerfile,
  context,
}: {
  readonly dockerfile: string;
  readonly context: string;
}): string {
  return isIn(context, dockerfile) ? posix.dirname(dockerfile) : context;
}

/** What a tool needs where it is called, which is where the context is copied to as a rule. */
const requirements: readonly { readonly tool: RegExp; readonly files: readonly string[] }[] = [
  { tool: /\bgo (build|install|mod)\b/, files: ["go.mod", "go.work"] },
  { tool: /\b(npm|yarn|pnpm|bun) (ci|install|run)\b/, files: ["package.json"] },
  { tool: /\bpnpm\b.*--frozen-lockfile/, files: ["pnpm-lock.yaml"] },
  { tool: /\bnpm ci\b/, files: ["package-lock.json", "npm-shrinkwrap.json"] },
  { tool: /\bcargo (build|install --path|chef)\b/, files: ["Cargo.toml"] },
  { tool: /\bmvnw? \b/, files: ["pom.xml"] },
  { tool: /\bgradlew? \b/, files: ["build.gradle", "build.gradle.kts", "settings.gradle", "settings.gradle.kts"] },
];

function isThere(context: string, source: string, { has, under }: Pick<Repository, "has" | "under">): boolean {
  const path = posix.join(context, source);
  if (!/[*?[]/.test(source)) return has(path);
  const matches = glob(path);
  return under(context).some(matches);
}

function hasGoFiles(directory: string, { under }: Pick<Repository, "under">): boolean {
  return under(directory.replace(/\/$/, "")).some((file) => file.endsWith(".go"));
}
