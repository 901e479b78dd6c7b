import type { Service } from "../../components/service/service.ts";
import { buildSecretPrefix, buildSecretVariable } from "../../core/names.ts";
import { isUnguessable, maskCredential, secretWord } from "../../core/secret-mask.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** The secrets of a service's build by the variables that hold them: the id → the variable. */
export function secretVariables({ build }: Pick<Service, "build">): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(build?.secrets ?? {}).map(([id, secret]) => [id, buildSecretVariable(secret)] as const),
  );
}

/** Why a service cannot be built here, for people; `undefined`: the environment has all secrets that its build takes. */
export function missingSecrets(service: Pick<Service, "build">, environment: Environment): string | undefined {
  const missing = Object.entries(secretVariables(service)).filter(
    ([, variable]) => (environment[variable] ?? "") === "",
  );
  if (missing.length === 0) return undefined;
  const ids = missing.map(([id]) => id).join(", ");
  return `its build takes ${missing.length === 1 ? "the secret" : "the secrets"} ${ids}, and ${missing.map(([, variable]) => variable).join(", ")} is not set`;
}

/** An environment for what takes no secrets of builds, or only those that are named. */
export function onlyBuildSecrets(environment: Environment, variables: readonly string[] = []): Environment {
  return Object.fromEntries(
    Object.entries(environment).filter(([name]) => !name.startsWith(buildSecretPrefix) || variables.includes(name)),
  );
}

/** Takes the secrets of a build out of what its steps write. Of a secret of several lines, each line counts. */
export function secretMask(variables: readonly string[], environment: Environment): (text: string) => string {
  const values = variables.flatMap((variable) => (environment[variable] ?? "").split(/\r?\n/));
  const longestFirst = values
    .map((value) => value.trim())
    .filter((value) => value !== "")
    .toSorted((one, other) => other.length - one.length);
  return (text) =>
    longestFirst.reduce(
      (shown, value) => (isUnguessable(value) ? shown.replaceAll(value, secretWord) : maskCredential(shown, value)),
      text,
    );
}
