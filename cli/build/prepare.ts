import type { Service } from "../../components/service/service.ts";
import { shellProcess } from "../../core/shell.ts";
import { pathFrom } from "../affected/source-tree.ts";
import { CommandError, type CommandContext } from "../command.ts";
import type { Monorepo } from "../project/monorepo.ts";
import { runTest } from "../testing/run-test.ts";

/**
 * Runs `build.prepare` of the services that have it, one after the other: several may write the same files. It runs on this
 * machine, whatever image CI runs it in.
 * @param environment without the logins of registries: the command is others' code
 * @throws CommandError with all that failed
 */
export async function prepareBuilds(
  monorepo: Monorepo,
  services: readonly Service[],
  environment: CommandContext["environment"],
  context: CommandContext,
): Promise<void> {
  const failures: string[] = [];
  for (const { name, directory, build } of services) {
    if (build?.prepare === undefined || context.signal.aborted) continue;
    const { command } = build.prepare;
    context.note(`── ${name}: ${command.trimEnd()}`);
    const variables = {
      SERVICE: name,
      SERVICE_DIRECTORY: pathFrom(monorepo.root, directory),
    };
    const reason = await runTest(
      { ...shellProcess(command), directory: monorepo.root, environment: variables },
      { ...context, environment },
      (line) => context.note(`${name} | ${line}`),
    );
    if (reason !== undefined) failures.push(`${name}: build.prepare failed: ${reason}`);
  }
  if (context.signal.aborted) throw new CommandError("stopped; no image is built");
  if (failures.length > 0) throw new CommandError(failures.join("\n       "));
}
