import { migrationRefusal } from "../../components/service/migrations.ts";
import { keptSeconds } from "../../components/service/rollout-settings.ts";
import { CommandError } from "../command.ts";
import { readMonorepo } from "../project/monorepo.ts";
import type { Project } from "../project/stack-file.ts";
import { rulesOf } from "../verification/rules.ts";
import type { EnvironmentChain } from "./environment-chain.ts";

// A pipeline is not made that would leave a release in the midst: whose migration, verdict or window nobody would wait for.

/**
 * Refuses migrations of an environment in which no job could learn what has become of them.
 * @throws CommandError that names the services
 */
export function assertMigrationsAwaited(project: Project, environment: string): void {
  const { services, file } = readMonorepo(project, environment);
  const refusal = migrationRefusal(file, project.stackFile(environment).read("ci", "delivery", "gitops", "clusters"));
  const migrated = services.flatMap(({ name, migrations }) => (migrations === undefined ? [] : [name]));
  if (refusal !== undefined && migrated.length > 0)
    throw new CommandError(`${environment}: migrations of ${migrated.join(", ")}: ${refusal}`);
}

/**
 * Refuses verifications that nobody would end: those that no job waits for, and no schedule goes on with.
 * @throws CommandError that names them
 */
export function assertVerificationsEnd(project: Project, { first, promotions, resumes }: EnvironmentChain): void {
  if (resumes === true) return;
  const endless = [first, ...promotions].flatMap(({ name, verifyWait }) => {
    const rules = rulesOf(project, name);
    const { services } = readMonorepo(project, name);
    // One job carries a release through all waves of clusters.
    const waves = Math.max(1, ...(project.stackFile(name).find("clusters")?.clusters ?? []).map(({ wave }) => wave));
    const each = waves === 1 ? "" : `, in each of ${waves} waves`;
    return services.flatMap(({ name: service, rollout }) => {
      const { minutes = 0, timeoutMinutes = 0 } = rules(service) ?? {};
      const kept = rollout === undefined || rules(service) === undefined ? 0 : keptSeconds(rollout) / 60;
      // No verdict comes before pods of the image before are gone.
      const hold = Math.max(minutes, kept);
      const why = kept > minutes ? ", since pods of the image before are kept for as long" : "";
      return verifyWait !== undefined && waves * (hold + timeoutMinutes) > verifyWait
        ? [`${service} of ${name} (${hold} and ${timeoutMinutes} of ${verifyWait} minutes${each}${why})`]
        : [];
    });
  });
  if (endless.length === 0) return;
  const schedules = project.stackFile(first.name).read("ci").ci.engine !== "travis";
  const remedy = schedules ? `set ci.resumeSchedule to five fields of cron, such as "*/10 * * * *", or ` : "";
  throw new CommandError(
    `stacks/Pulumi.${first.name}.yaml: the hold of ${endless.join(", ")} and its timeout are longer than CI's job waits, and nothing would go on with it; ${remedy}raise verify.waitMinutes`,
  );
}

/** Refuses windows after which nobody would release what has waited. @throws CommandError that names the environments */
export function assertWindowsOpen(project: Project, { first, promotions, resumes }: EnvironmentChain): void {
  // Travis has no schedule for it, and at Tekton one needs a secret: the next run there makes up for what has waited.
  if (resumes === true || project.stackFile(first.name).read("ci").ci.engine !== "circleci") return;
  const waiting = [first, ...promotions].flatMap(({ name, hasWindows }) => (hasWindows === true ? [name] : []));
  if (waiting.length === 0) return;
  throw new CommandError(
    `stacks/Pulumi.${first.name}.yaml: ci.resumeSchedule: missing; windows or a freeze of ${waiting.join(", ")} hold releases back, and nothing would release afterwards what has waited: set it to five fields of cron, such as "*/10 * * * *"`,
  );
}
