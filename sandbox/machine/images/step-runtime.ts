import { join } from "node:path";
import { writeFileAtomically } from "../../../core/atomic-file.ts";
import { quoteForShell } from "../../../core/shell.ts";

interface StepRuntimeOptions {
  /** Path of the real one. */
  runc: string;
  rootless: boolean;
  /** Variables of every step, in groups: a step that has the first variable of a group, whatever its value, gets none of it. */
  variables: readonly Readonly<Record<string, string>>[];
}

/**
 * Writes the runc that BuildKit starts a build's steps with. It adds variables to a step's own: thus they reach a Dockerfile
 * of any origin, and neither its image nor the cache of its layers knows of them. Without root it leaves out the group of
 * terminals, which is not there in a user namespace of a single group.
 *
 * @param folder where it is written
 * @returns its path
 */
export function writeStepRuntime(folder: string, { runc, rootless, variables }: StepRuntimeOptions): string {
  const path = join(folder, "runc-for-steps");
  const edits = variables.map((group) => {
    const [first = ""] = Object.keys(group);
    const entries = Object.entries(group).map(([name, value]) => `${JSON.stringify(`${name}=${value}`)},`);
    const added = entries.join("").replaceAll(/[\\&|]/g, String.raw`\$&`);
    // The configuration is JSON without spaces; npm's variables count in small letters and in capitals.
    return `grep -qi ${quoteForShell(`"${first}=`)} "$config" || sed -i ${quoteForShell(String.raw`s|"env":\[|&${added}|`)} "$config"`;
  });
  const script = `#!/bin/sh
previous=
for argument; do
  if [ "$previous" = --bundle ]; then
    config=$argument/config.json
    ${[...(rootless ? [`sed -i 's/,"gid=5"//' "$config"`] : []), ...edits].join("\n    ")}
  fi
  previous=$argument
done
exec ${quoteForShell(runc)} "$@"
`;
  // A step that starts at this moment reads the one before to its end.
  writeFileAtomically(path, script, 0o755);
  return path;
}
