import { z } from "zod";
import { renamedServiceSettings } from "../components/find-services.ts";
import { schemaProblems, type Problem } from "../core/problem.ts";
import { renamedKeyProblems, schemaVersion } from "../core/schema-version.ts";
import { stackSchema } from "./schema.ts";

/**
 * Why a stack file is not of the version that this program reads. One of an earlier version gets all the keys to rename: those
 * in it, and those in the files of the services that it names.
 * @param settings all that the file says, without the project's prefix; the version as a number
 * @returns nothing if it is of that version
 */
export function versionProblems(file: string, settings: Readonly<Record<string, unknown>>): Problem[] {
  const { schemaVersion: version } = settings;
  if (!earlierVersion.safeParse(version).success) {
    const parsed = stackSchema.pick({ schemaVersion: true }).safeParse({ schemaVersion: version });
    return parsed.success ? [] : schemaProblems(file, parsed.error, settings);
  }
  const app = appSchema.safeParse(settings["app"]);
  const renamed = [
    ...renamedKeyProblems("stack", file, settings),
    ...(app.success ? renamedServiceSettings(app.data) : []),
  ];
  const hint = renamed.length === 0 ? "no key of yours has another name there" : "rename these keys, too";
  return [
    {
      location: `${file}: schemaVersion`,
      message: `${JSON.stringify(version)}: this program reads version ${schemaVersion}; set it to ${schemaVersion}: ${hint}`,
    },
    ...renamed,
  ];
}

const earlierVersion = z
  .int()
  .min(1)
  .max(schemaVersion - 1);

/** Where the services are. What else is wrong in a file of another version is left for later. */
const appSchema = z.object({ directory: z.string(), services: z.string().default("svc/*") });
