import { readFile, writeFile } from "node:fs/promises";
import { stackFilePath } from "../../stacks/stack-file.ts";
import { parseOptions, required, type Command, type CommandContext } from "../command.ts";
import { Project } from "../project/stack-file.ts";

const help = `Publishes the state of an environment without its secrets, so that pull requests of forks can be previewed with no
credentials at all: as a file on branch delivery-state of the monorepo's repository (the remote \`origin\` of its
checkout), by a commit that starts no pipeline. Every secret becomes a placeholder; what is published is looked through for
the values of all of them.

Usage: npx delivery publish-state --env ENVIRONMENT [--output FILE]

  --env ENVIRONMENT    the stack, e.g. dev, or acme/dev with an organization
  --output FILE        write the file here, and publish nothing

The Pulumi CLI, its login and the passphrase are those of the environment, as for \`pulumi preview\`. Credentials of the
repository: DELIVERY_GIT_TOKEN in the environment, or else a login in the URL of \`origin\`, or Git's own.`;

export const command: Command = { summary: "publish the state without its secrets, for forks", help, run };

async function run(args: readonly string[], { print }: CommandContext): Promise<void> {
  const options = parseOptions(args, { env: { type: "string" }, output: { type: "string" } });
  const stack = required("env", options.env);
  // The engine takes a moment to load.
  const { openCliStack } = await import("../pulumi/cli-stack.ts");
  const { explainEngineFailure } = await import("../pulumi/diagnostics.ts");
  const { publishState, scrubState, stateBranch, stateText } = await import("../preview/published-state.ts");
  await using open = await openCliStack(stack);
  const exported = await open.stack.exportStack().catch((error: unknown) => {
    throw explainEngineFailure(error, stack);
  });
  const state = scrubState(exported, await readFile(stackFilePath(stack), "utf8"));
  const count = state.deployment.resources?.length ?? 0;
  if (options.output !== undefined) {
    await writeFile(options.output, stateText(state));
    return print(`${stack}: the state of ${count} resources, without secrets, is in ${options.output}`);
  }
  const { changed, commit } = await publishState(new Project(), stack, state);
  print(
    changed
      ? `${stack}: the state of ${count} resources, without secrets, is commit ${commit} on branch ${stateBranch}`
      : `${stack}: nothing to change on branch ${stateBranch}`,
  );
}
