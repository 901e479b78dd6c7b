import { existsSync, readFileSync } from "node:fs";
import { parse } from "yaml";
import { z } from "zod";
import { CommandError } from "../command.ts";

const projectSchema = z.object({
  name: z.string().min(1),
  /** Where the state is, unless the user's login or environment says otherwise. */
  backend: z.object({ url: z.string() }).optional(),
});

/** What of the program's `Pulumi.yaml` counts for a run of the program in this process. */
export type Project = z.infer<typeof projectSchema>;

/** @throws CommandError outside of the program's directory */
export function readProject(): Project {
  if (!existsSync("Pulumi.yaml"))
    throw new CommandError(`there is no Pulumi.yaml in ${process.cwd()}; run this in the program's directory`);
  const parsed = projectSchema.safeParse(parse(readFileSync("Pulumi.yaml", "utf8")));
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => `Pulumi.yaml: ${issue.path.join(".")}: ${issue.message}`);
  throw new CommandError(problems.join("\n       "));
}
