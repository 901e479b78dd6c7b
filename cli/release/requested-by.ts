import { UsageError, type OptionTable, type OptionValues } from "../options.ts";

/** The options that say on whose behalf a command runs. */
export const requestOptions = {
  "requested-by": { value: "LOGIN", parse: oneLine, help: "who has asked for it; noted in the commit" },
  "requested-in": { value: "URL", parse: oneLine, help: "where they have asked; noted in the commit" },
} as const satisfies OptionTable;

/** The lines of the commit that say so. */
export function requestTrailers(flags: OptionValues<typeof requestOptions>): string[] {
  const { "requested-by": login, "requested-in": url } = flags;
  return [
    ...(login === undefined ? [] : [`Requested-By: ${login}`]),
    ...(url === undefined ? [] : [requestedInTrailer(url)]),
  ];
}

/** By which a commit is found again. */
export function requestedInTrailer(url: string): string {
  return `Requested-In: ${url}`;
}

/** A trailer is a line: more would be lines of somebody's choice. */
function oneLine(text: string, option: string): string {
  if (/^[\x21-\x7e]{1,500}$/.test(text)) return text;
  throw new UsageError(`--${option} ${JSON.stringify(text)}: must be one word of printable ASCII`);
}
