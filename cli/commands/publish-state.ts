import { readFile, writeFile } from "node:fs/promises";
import { stackFilePath } from "../../stacks/stack-file.ts";
import { defineCommand, type CommandContext } from "../command.ts";
import type { OptionTable, OptionValues } from "../options.ts";
import { engineHelp } from "../pulumi/engine-help.ts";
import { Project } from "../project/stack-file.ts";

const options = {
  env: { value: "ENVIRONMENT", required: true, help: "the stack, e.g. dev, or acme/dev with an organization" },
  output: { value: "FILE", help: "write the file here, and publish nothing" },
} as const satisfies OptionTable;

export const command = defineCommand({
  summary: "publish the state without its secrets, for forks",
  description: [
    `Publishes the state of an environment without its secrets, so that pull requests of forks can be previewed with no
    credentials at all: as a file on branch delivery-state of the monorepo's repository (the remote \`origin\` of its
    checkout), by a commit that starts no pipeline. Every secret becomes a placeholder; what is published is looked through
    for the values of all of them.`,
  ],
  usage: ["publish-state --env ENVIRONMENT [--output FILE]"],
  options,
  notes: [
    `${engineHelp} Credentials of the repository: DELIVERY_GIT_TOKEN in the environment, or else a login in the URL of \`origin\`, or Git's own.`,
  ],
  run,
});

async function run({ env: stack, output }: OptionValues<typeof options>, { print }: CommandContext): Promise<void> {
  // Loading the engine takes a second, which wrong command lines need not wait for.
  const { openCliStack } = await import("../pulumi/cli-stack.ts");
  const { explainEngineFailure } = await import("../pulumi/diagnostics.ts");
  const { publishState, scrubState, stateBranch, stateText } = await import("../preview/published-state.ts");
  await using open = await openCliStack(stack);
  const exported = await open.stack.exportStack().catch((error: unknown) => {
    throw explainEngineFailure(error, stack);
  });
  const state = scrubState(exported, await readFile(stackFilePath(stack), "utf8"));
  const count = state.deployment.resources?.length ?? 0;
  if (output !== undefined) {
    await writeFile(output, stateText(state));
    return print(`${stack}: the state of ${count} resources, without secrets, is in ${output}`);
  }
  const { changed, commit } = await publishState(new Project(), stack, state);
  print(
    changed
      ? `${stack}: the state of ${count} resources, without secrets, is commit ${commit} on branch ${stateBranch}`
      : `${stack}: nothing to change on branch ${stateBranch}`,
  );
}
