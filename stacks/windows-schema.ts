import { z } from "zod";
import { scheduleSchema, timeZoneSchema } from "../components/service/kind.ts";
import { nonEmpty } from "../core/problem.ts";

const timeSchema = z.iso.datetime({
  offset: true,
  message: "Must be a time with its zone, in quotes, such as 2026-12-24T12:00:00+01:00",
});

/** When what is new may be released to an environment; without any, always. */
export const windowsSchema = z
  .array(
    z.strictObject({
      /** When it opens: minute, hour, day of the month, month, day of the week. */
      schedule: scheduleSchema,
      /** Of the schedule. @default Etc/UTC */
      timeZone: timeZoneSchema.default("Etc/UTC"),
      /** How long it stays open, in hours, also where clocks change in between. */
      hours: z
        .number("Must be a number of hours")
        .min(0.25, "Must be at least 0.25")
        .max(168, "Must be at most 168, a week"),
    }),
    "Must be a list of windows",
  )
  .min(1, "Has no window: nothing could ever be released; remove it to release at any time");

/** When nothing new is released, whatever the windows say. */
export const freezeSchema = z
  .strictObject({
    reason: nonEmpty("why nothing is released"),
    /** @default it has begun */
    from: timeSchema.optional(),
    until: timeSchema,
  })
  .refine(({ from, until }) => from === undefined || Date.parse(from) < Date.parse(until), {
    path: ["until"],
    message: "Is not after `from`: it would freeze nothing",
  });

/** What is to be said of a freeze that holds nothing back any more, as a sentence for people; `undefined`: nothing. */
export function endedFreeze(
  { file, freeze }: { readonly file: string; readonly freeze?: z.infer<typeof freezeSchema> | undefined },
  now = new Date(),
): string | undefined {
  if (freeze === undefined || now.getTime() < Date.parse(freeze.until)) return undefined;
  return `${file}: freeze: is over since ${freeze.until}, and holds nothing back; remove it, or set \`until\` anew`;
}
