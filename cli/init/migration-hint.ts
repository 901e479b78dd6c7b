import { posix } from "node:path";
import { isMap } from "../../core/yaml.ts";
import { sourceDirectory } from "./context.ts";
import type { FoundImage } from "./images.ts";
import { parsed } from "./parsed-yaml.ts";
import type { Repository } from "./repository.ts";
import { flowList } from "./yaml-text.ts";

/** Files that say which command migrates, beside the code. */
const tools: readonly { readonly file: string; readonly command: readonly string[] }[] = [
  { file: "prisma/migrations", command: ["npx", "prisma", "migrate", "deploy"] },
  { file: "alembic.ini", command: ["alembic", "upgrade", "head"] },
  { file: "manage.py", command: ["python", "manage.py", "migrate"] },
  { file: "db/migrate", command: ["bin/rails", "db:migrate"] },
];

/**
 * What a service may have to migrate with, where nothing says that it is run. Whether its image has it is not known, so that it
 * is said and not written.
 * @returns `undefined`: there is nothing
 */
export function migrationHint(
  image: Pick<FoundImage, "dockerfile" | "context" | "kind">,
  { read, has }: Pick<Repository, "read" | "has">,
): string | undefined {
  if (image.kind !== undefined) return undefined;
  const directory = sourceDirectory(image);
  const content = parsed(() => JSON.parse(read(posix.join(directory, "package.json")) ?? ""));
  const scripts = isMap(content) && isMap(content["scripts"]) ? Object.keys(content["scripts"]) : [];
  const script = scripts.find((name) =>
    /^((db|prisma|typeorm|knex):)?(migrate|migrations?:(run|up)|migrate:(deploy|up|latest|prod))$/.test(name),
  );
  const tool = tools.find(({ file }) => has(posix.join(directory, file)));
  const [found, command] =
    script !== undefined ? [`the script ${script}`, ["npm", "run", script]] : [tool?.file, tool?.command];
  return found === undefined || command === undefined
    ? undefined
    : `it has ${found}: \`migrations: { command: ${flowList(command)} }\`, if its image has that`;
}
