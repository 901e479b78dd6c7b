import { kubeconfigVariable } from "../../core/names.ts";
import type { Problem } from "../../core/problem.ts";
import type { Candidate } from "./candidates.ts";
import type { Service, SettingsLayer } from "./service.ts";
import { leastSeconds } from "./rollout-settings.ts";
import { verificationRules, type EnvironmentVerify } from "./verify-settings.ts";

/** What says who moves release records, and what CI may ask. */
interface Verifier {
  delivery: "gitops" | "direct";
  gitops?: { release: "commit" | "registry-watch" } | undefined;
  ci: { environment: Readonly<Record<string, string>> };
}

/**
 * Why nobody could verify what is released; `undefined`: somebody can.
 * @param file the stack file
 */
export function verificationRefusal(file: string, { delivery, gitops, ci }: Verifier): string | undefined {
  if (delivery === "direct")
    return "what fails is taken back by a commit to the deploy repository, and with delivery direct there is none; remove it, or set delivery to gitops";
  if (gitops?.release === "registry-watch")
    return "Argo CD Image Updater, which moves the release records (gitops.release), would release again what is taken back; set that to commit, or remove it";
  if (Object.hasOwn(ci.environment, kubeconfigVariable)) return undefined;
  return `CI asks the cluster what runs, and cannot; set ci.environment.${kubeconfigVariable} of ${file} to the name of a secret with the content of a kubeconfig, of a user who may read Applications, workloads and pods, and where checks ask a path, get pods/proxy`;
}

/**
 * Commands run in CI's job, which has what the environment's context has: whoever may change a service must not say what runs there.
 * @param file the stack file, whose owners may
 */
export function ownCommandProblems({ settings, name, origin }: Candidate, file: string): Problem[] {
  const { verify } = settings;
  const location = origin("verify", "checks");
  if (verify === undefined || verify === "none" || location.startsWith(`${file}: `)) return [];
  if (verify.checks?.some((check) => "command" in check) !== true) return [];
  const message = `a command runs with the environment's own credentials, and whoever may change ${name} would have them; say it in services.${name}.verify of ${file}, or ask by http or metrics`;
  return [{ location, message }];
}

interface VerificationChecks {
  /** What all services have to prove. @default nothing */
  environment: EnvironmentVerify | undefined;
  /** Why none can. */
  refusal: string | undefined;
  /** The stack file. */
  file: string;
  /** What the stack file alone says of services. */
  defaults: SettingsLayer;
  overrides: Readonly<Record<string, SettingsLayer>>;
}

/** What no single key can see. */
export function verificationProblems(
  services: readonly Service[],
  { environment, refusal, file, defaults, overrides }: VerificationChecks,
): Problem[] {
  if (environment === undefined) {
    const idle = [
      ...(defaults.verify === undefined ? [] : ["defaults"]),
      ...Object.entries(overrides).flatMap(([name, { verify }]) => (verify === undefined ? [] : [`services.${name}`])),
    ];
    return idle.map((key) => ({
      location: `${file}: ${key}.verify`,
      message:
        "has no effect, since nothing has to prove itself in this environment; set `verify` there, too, such as verify: {minutes: 5}",
    }));
  }
  const location = `${file}: verify`;
  if (refusal !== undefined) return [{ location, message: refusal }];
  return services.flatMap(({ name, port, replicas, verify, rollout }) => {
    const rules = replicas === 0 ? undefined : verificationRules(environment, verify);
    const { checks = [], timeoutMinutes = 0 } = rules ?? {};
    const least = rollout === undefined ? 0 : leastSeconds(rollout) / 60;
    if (rules !== undefined && least >= timeoutMinutes)
      return [
        {
          location: `${location}.timeoutMinutes`,
          message: `the rollout of ${name} takes ${least} minutes at least, and after ${timeoutMinutes} it would be taken back in the midst of it; set it higher here, or services.${name}.verify.timeoutMinutes`,
        },
      ];
    const asked = checks.some((check) => "http" in check && check.http.path !== undefined);
    if (!asked || port !== undefined) return [];
    const message = `a check asks a path of ${name}, which listens on no port; set services.${name}.verify to none or to other checks, or say its port`;
    return [{ location: `${location}.checks`, message }];
  });
}
