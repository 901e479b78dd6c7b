import { defineCommand, type CommandContext } from "../command.ts";
import type { OptionTable, OptionValues } from "../options.ts";
import { Project } from "../project/stack-file.ts";
import { engineHelp } from "../pulumi/engine-help.ts";

const options = {
  env: { value: "ENVIRONMENT", required: true, help: "the stack, e.g. dev, or acme/dev with an organization" },
  yes: { help: "change the state; without it, only what would be changed is shown" },
  adopt: {
    value: "ID",
    multiple: true,
    help: `take this into the state, too: the slug of the stack's project, or the id of its context or of the restriction of
      that, which CircleCI has and the state has not`,
  },
  json: { help: "print JSON" },
} as const satisfies OptionTable;

export const command = defineCommand({
  summary: "make the state fit what CircleCI has",
  description: [
    `CircleCI's provider fails for ever at what somebody else has deleted: \`pulumi up\` and \`destroy\` at its deletion, a
    refresh at reading it. This asks CircleCI for every resource of the state that is there, with the stack's circleciToken,
    and takes what is gone out of the state. It changes nothing at CircleCI, and nothing of what is there; where CircleCI does
    not answer, or does not let the token look, it changes nothing at all.`,
    `It also finds what \`pulumi up\` has made without noting it, and now cannot make again: --adopt takes it in.`,
  ],
  usage: ["repair --env ENVIRONMENT [--adopt ID …] [--yes] [--json]"],
  options,
  notes: [engineHelp, "No update of the stack may run meanwhile."],
  run,
});

async function run(flags: OptionValues<typeof options>, { print, signal }: CommandContext): Promise<void> {
  // Loading the engine takes a second, which wrong command lines need not wait for.
  const { repair } = await import("../repair/repair.ts");
  const report = await repair(new Project(), flags.env, { adopt: flags.adopt ?? [], isSure: flags.yes }, signal);
  const { repairText } = await import("../repair/report.ts");
  print(flags.json ? JSON.stringify(report, undefined, 2) : repairText(report));
}
