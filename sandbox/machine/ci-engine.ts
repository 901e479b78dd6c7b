import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { writeFileAtomically } from "../../core/atomic-file.ts";

/** What can run the pipeline of a sandbox. */
export const sandboxEngines = ["circleci", "tekton"] as const;
export type SandboxEngine = (typeof sandboxEngines)[number];

const fileOf = (stateDir: string): string => join(stateDir, "ci-engine");

/** What runs the pipeline of this sandbox. */
export function ciEngine(stateDir: string): SandboxEngine {
  const file = fileOf(stateDir);
  const said = existsSync(file) ? readFileSync(file, "utf8").trim() : "";
  return sandboxEngines.find((engine) => engine === said) ?? "circleci";
}

/**
 * Notes what is to run the pipeline; `npm run down` ends that.
 * @param isUp whether the sandbox has been up with what is noted
 * @throws Error if that is another one: the source repository has its files
 */
export function chooseCiEngine(stateDir: string, engine: SandboxEngine | undefined, isUp: boolean): SandboxEngine {
  const known = ciEngine(stateDir);
  if (engine === undefined || engine === known) return known;
  if (isUp)
    throw new Error(`--ci ${engine}: this sandbox runs ${known}; \`npm run down\` ends it, then run this again`);
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  writeFileAtomically(fileOf(stateDir), `${engine}\n`);
  return engine;
}

/** Jobs of pull requests build, too. */
const builder = { BUILDKIT_HOST: "buildkit-host" };

/** The settings of the sandbox's stack, in which Tekton runs the pipeline where that is chosen. */
export function withCiEngine(stateDir: string, settings: Record<string, unknown>): Record<string, unknown> {
  if (ciEngine(stateDir) !== "tekton") return settings;
  const { image, environment, contexts }: Record<string, unknown> = Object(settings["delivery:ci"]);
  const { read, previews, ...others }: Record<string, object> = Object(contexts);
  return {
    ...settings,
    "delivery:ci": {
      engine: "tekton",
      image,
      environment,
      contexts: { ...others, build: builder, read: { ...read, ...builder }, previews: { ...previews, ...builder } },
    },
    "delivery:github": { ...Object(settings["delivery:github"]), branch: "main" },
  };
}
