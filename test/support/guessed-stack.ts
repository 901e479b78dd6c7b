import { basename, relative } from "node:path";
import { parse } from "yaml";
import { acceptance, type Acceptance } from "../../cli/project/acceptance.ts";
import { guessStack, type Guess } from "../../cli/init/guess.ts";
import { repositoryOf } from "../../cli/init/repository.ts";
import { stackText } from "../../cli/init/stack-text.ts";
import { SampleMonorepo } from "./sample-monorepo.ts";

export interface GuessedStack {
  readonly guess: Guess;
  readonly text: string;
  /** The settings of the stack file, without the project's prefix. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly accepted: Acceptance;
}

/** What `delivery init` makes of a repository with these files, as if all of them were committed. */
export function guessedStack(files: Readonly<Record<string, string>>): GuessedStack {
  using sample = new SampleMonorepo(files);
  const guess = guessStack({
    repository: {
      ...repositoryOf(sample.root, Object.keys(files)),
      checkout: sample.root,
      github: "Acme/Shop",
      branch: "main",
    },
    directory: relative(process.cwd(), sample.root),
    program: undefined,
  });
  const text = stackText(guess);
  const config = Object.fromEntries(
    Object.entries(Object(parse(text)).config).map(([key, value]) => [key.replace("delivery:", ""), value]),
  );
  return {
    guess,
    text,
    config,
    accepted: acceptance(`stacks/Pulumi.${basename(sample.root).toLowerCase()}.yaml`, text),
  };
}
