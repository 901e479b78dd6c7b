import { relative } from "node:path";
import type { Service } from "../../components/service/service.ts";
import { guessLanguage } from "../init/languages.ts";
import { readRepository } from "../init/repository.ts";
import { flow } from "../init/yaml-text.ts";

const general = "no tests are found; say `test.command`, or `test: none`";

/**
 * What to do where no tests of a service are found: by its language, as `delivery init` would write it. No such tests run by
 * themselves, since the image that CI has for all services need not have the language.
 * @param root the monorepo, relative to the program
 */
export async function testHint(root: string, { dockerfile, context }: Service): Promise<string> {
  const repository = await readRepository(root).catch(() => undefined);
  if (repository === undefined) return general;
  const at = { dockerfile: relative(root, dockerfile), context: relative(root, context) || "." };
  const { test, image } = guessLanguage(at, repository);
  if (test === undefined) return general;
  return `no tests are found; say \`test: ${flow({ command: test, ...(image === undefined ? {} : { image }) })}\`, or \`test: none\``;
}
