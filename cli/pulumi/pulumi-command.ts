import { PulumiCommand } from "@pulumi/pulumi/automation/index.js";
import { CommandError } from "../command.ts";

const oldest = { major: 3, minor: 250 };
const install = `install ${oldest.major}.${oldest.minor} or newer (https://www.pulumi.com/docs/install/) and have it on PATH`;

/** @throws CommandError if the user's Pulumi CLI is missing or too old */
export async function findPulumi(): Promise<PulumiCommand> {
  const command = await PulumiCommand.get().catch((error: unknown) => {
    const missing = /ENOENT|not found/.test(String(error));
    throw new CommandError(`the Pulumi CLI ${missing ? "is missing" : "does not run"}; ${install}`, { cause: error });
  });
  const { version } = command;
  if (
    version !== null &&
    (version.major < oldest.major || (version.major === oldest.major && version.minor < oldest.minor))
  )
    throw new CommandError(`the Pulumi CLI is ${version.format()}; ${install}`);
  return command;
}
