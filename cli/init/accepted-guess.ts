import { acceptance, serviceOf, type Acceptance } from "../project/acceptance.ts";
import { guessStack, type Guess } from "./guess.ts";
import type { Repository } from "./repository.ts";
import { directoryFrom, stackText, type EnvironmentPlace } from "./stack-text.ts";

/** What a repository tells, the stack file that is made of it, and what the program makes of that. */
export interface AcceptedGuess {
  readonly guess: Guess;
  readonly text: string;
  readonly accepted: Acceptance;
}

/**
 * What is guessed, without the services that the program would refuse: these are left out, with its reason.
 * @param file the stack file, for messages; it need not be there
 * @param program the URL of this program's repository; `undefined`: it is in the monorepo's own
 * @param unwanted services that are to be left out besides, and why
 * @param place what the environment is, of a file that people go on with: there they mend what it lacks for the services' own
 *   files. @default the first of those of CircleCI, and nobody goes on with it
 */
export function acceptedGuess(
  repository: Repository,
  file: string,
  program: string | undefined,
  unwanted: ReadonlyMap<string, string> = new Map(),
  place?: EnvironmentPlace,
): AcceptedGuess {
  const refused = new Map(unwanted);
  for (;;) {
    const directory = directoryFrom(process.cwd(), repository.root);
    const guess = guessStack({ repository, directory, program, refused });
    const text = stackText(guess, place);
    const accepted = acceptance(file, text);
    const known = refused.size;
    for (const problem of accepted.problems) {
      if (place !== undefined && problem.message.includes(file) && !problem.location.startsWith(file)) continue;
      const name = serviceOf(problem, accepted.services);
      if (name !== undefined && guess.services.some((service) => service.name === name))
        refused.set(name, problem.message);
    }
    if (refused.size === known) return { guess, text, accepted };
  }
}
