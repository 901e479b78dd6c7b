import { existsSync, readFileSync, statSync } from "node:fs";
import { buildSecretVariable } from "../../core/names.ts";
import type { Problem } from "../../core/problem.ts";
import type { Candidate, CandidateArgs } from "./candidates.ts";
import { secretMounts } from "../dockerfile/dockerfile-secrets.ts";
import type { Service } from "./service.ts";

interface BuildArgs {
  /** The stack file, for messages. */
  readonly file: string;
  /** Whether the program builds the images. @default false: CI builds them */
  readonly programBuilds?: boolean;
  /** Whether CI builds the images for this environment, and needs their secrets. @default false */
  readonly ciBuilds?: boolean;
  /** The names of the stack's secrets. @default not checked */
  readonly secrets?: ReadonlySet<string>;
}

/** What a service says of its build that nobody does, and what its Dockerfile needs and nobody gives. */
export function buildProblems(candidate: Candidate, args: BuildArgs): Problem[] {
  return [...(args.programBuilds === true ? programProblems(candidate, args) : []), ...secretProblems(candidate, args)];
}

function programProblems(candidate: Candidate, { file }: BuildArgs): Problem[] {
  const { settings, dockerfile, origin } = candidate;
  const { build = {}, platforms = [] } = settings;
  const letCiBuild = `set images.source in ${file} to registry and let CI build`;
  return [
    ...(build.prepare === undefined
      ? []
      : [
          {
            location: origin("build", "prepare"),
            message: `is run by CI and \`delivery build\`, and not by this program, which builds the images here; ${letCiBuild}, or make the files in a stage of ${dockerfile}`,
          },
        ]),
    ...(platforms.length < 2
      ? []
      : [
          {
            location: origin("platforms"),
            message: `${JSON.stringify(platforms)}: Pulumi's Docker provider builds for one platform, and this program builds the images here; name one, or ${letCiBuild}`,
          },
        ]),
    ...Object.keys(takenSecrets(candidate)).map((id) => ({
      location: origin("build", "secrets", id),
      message: `Pulumi's Docker provider gives builds no secrets, and this program builds the images here; ${letCiBuild}`,
    })),
  ];
}

/** What a service says of its build, with the secrets alone that its Dockerfile mounts. */
export function takenBuild(candidate: Candidate, build: NonNullable<Service["build"]>): Service["build"] {
  const { secrets: _, ...rest } = build;
  const secrets = takenSecrets(candidate);
  return { ...rest, ...(Object.keys(secrets).length === 0 ? {} : { secrets }) };
}

/** The secrets of a service's build that its Dockerfile mounts: the id → the name of a secret of the stack. */
function takenSecrets({ settings, dockerfile }: Candidate): Readonly<Record<string, string>> {
  const given = settings.build?.secrets ?? {};
  const mounts = mountsIn(dockerfile, settings.target);
  if (mounts === undefined) return given;
  return Object.fromEntries(Object.entries(given).filter(([id]) => mounts.some((mount) => mount.id === id)));
}

function mountsIn(dockerfile: string, target: string | undefined): ReturnType<typeof secretMounts> {
  if (!existsSync(dockerfile) || !statSync(dockerfile).isFile()) return undefined;
  return secretMounts(readFileSync(dockerfile, "utf8"), { target });
}

function secretProblems(candidate: Candidate, args: BuildArgs): Problem[] {
  const { settings, dockerfile, origin, name } = candidate;
  const given = settings.build?.secrets ?? {};
  const mounts = mountsIn(dockerfile, settings.target) ?? [];
  const taken = takenSecrets(candidate);
  const lacking = mounts.filter(({ id, required, runs }) => required && runs && !(id in given));
  return [
    ...[...new Set(lacking.map(({ id }) => id))].map((id) => ({
      location: dockerfile,
      message: `a step of ${name} mounts the secret ${JSON.stringify(id)}, which is required, and nobody gives it; name a secret of the stack in \`build.secrets.${id}\` of service.yaml`,
    })),
    ...Object.keys(given)
      .filter((id) => !(id in taken) && !origin("build", "secrets", id).includes(": defaults."))
      .map((id) => ({
        location: origin("build", "secrets", id),
        message: `has no effect on ${name}: no step of ${dockerfile} has \`--mount=type=secret,id=${id}\`; add that, or remove it here`,
      })),
    ...Object.entries(args.ciBuilds === true ? taken : {})
      .filter(([, secret]) => args.secrets?.has(secret) === false)
      .map(([id, secret]) => ({
        location: origin("build", "secrets", id),
        message: `the stack has no secret ${JSON.stringify(secret)}; set it with \`pulumi config set --secret --path 'secrets.${secret}'\``,
      })),
  ];
}

/** Secrets of the defaults that no service's build takes. */
export function unusedBuildSecrets(found: readonly Candidate[], { defaults, file }: CandidateArgs): Problem[] {
  return Object.keys(defaults.build?.secrets ?? {})
    .filter((id) => !found.some((candidate) => id in takenSecrets(candidate)))
    .map((id) => ({
      location: `${file}: defaults.build.secrets.${id}`,
      message: `has no effect: no service's Dockerfile has \`--mount=type=secret,id=${id}\`; add that, or remove it here`,
    }));
}

/** Secrets of builds by the variables of CI that hold them: variable → name of a secret of the stack. */
export function buildSecretVariables(services: readonly Pick<Service, "build">[]): Record<string, string> {
  const secrets = services.flatMap(({ build }) => Object.values(build?.secrets ?? {}));
  return Object.fromEntries([...new Set(secrets)].toSorted().map((secret) => [buildSecretVariable(secret), secret]));
}

/** Two secrets that one variable of CI would hold. */
export function clashingBuildSecrets(services: readonly Service[], file: string): Problem[] {
  const secrets = services.flatMap(({ build }) => Object.values(build?.secrets ?? {}));
  const named = Map.groupBy([...new Set(secrets)].toSorted(), buildSecretVariable);
  return [...named].flatMap(([variable, [first = "", ...others]]) =>
    others.map((other) => ({
      location: `${file}: secrets.${other}`,
      message: `${JSON.stringify(other)} and ${JSON.stringify(first)} are both taken by builds, and one variable of CI, ${variable}, would hold both; rename one of them`,
    })),
  );
}
