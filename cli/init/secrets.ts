import { hasSecretName } from "../../core/secret-names.ts";
import type { Run } from "./run.ts";

/** A variable of a service whose value is nobody's to read. */
export interface FoundSecret {
  readonly variable: string;
  /** What the stack's secret is called that is to have it. */
  readonly secret: string;
  /** As the repository has it, which need not be the real one; `undefined`: it is in a Secret of Kubernetes, or asked for by Compose. */
  readonly value: string | undefined;
}

/** A login in a URL or in a connection string, or a private key. */
const login = /:\/\/[^/\s:@]*:[^/\s@]+@|\b(password|pwd)=[^;&\s]|-----BEGIN [A-Z ]*PRIVATE KEY-----/i;

/** Whether a variable's value is a secret, by the variable's name or by what it looks like. */
export function isSecretVariable(variable: string, value: string): boolean {
  return value !== "" && (login.test(value) || (hasSecretName(variable) && !/^(true|false|\d{1,4})$/i.test(value)));
}

/**
 * The secrets among the variables of services.
 * @param environments how each service is run, by its name
 * @param passwords the passwords with which dependencies run, by the names of the stack's secrets: a service that has the same one
 *   gets the same secret
 */
export function findSecrets(
  environments: ReadonlyMap<string, Pick<Run, "environment" | "secretVariables">>,
  passwords: ReadonlyMap<string, string>,
): ReadonlyMap<string, readonly FoundSecret[]> {
  const values = new Map<string, Set<string | undefined>>();
  const all = [...environments].map(([service, { environment, secretVariables }]) => {
    const secrets: (readonly [variable: string, value: string | undefined])[] = [
      ...Object.entries(environment).filter(([variable, value]) => isSecretVariable(variable, value)),
      ...secretVariables.filter((name) => (environment[name] ?? "") === "").map((name) => [name, undefined] as const),
    ];
    for (const [variable, value] of secrets)
      values.set(variable, (values.get(variable) ?? new Set<string | undefined>()).add(value));
    return [service, secrets] as const;
  });
  return new Map(
    all.map(([service, secrets]) => [
      service,
      secrets.map(([variable, value]) => {
        const [shared] = [...passwords].find(([, password]) => password === value) ?? [];
        const plain = variable
          .toLowerCase()
          .replaceAll(/[^a-z0-9]+/g, "-")
          .replaceAll(/^-+|-+$/g, "");
        // Services that have the same value share it; a variable with several values is told apart by the service.
        const own = (values.get(variable)?.size ?? 0) > 1 ? `${service}-${plain}` : plain;
        return { variable, secret: shared ?? own, value };
      }),
    ]),
  );
}
