import { z } from "zod";

/** A condition, decided when the configuration is compiled. A string is a value, e.g. of a parameter; empty is false. */
export type Logic =
  | string
  | number
  | boolean
  | { and: Logic[] }
  | { or: Logic[] }
  | { not: Logic }
  | { equal: (string | number | boolean)[] }
  | { matches: { pattern: string; value: string } };

/** Source: https://circleci.com/docs/reference/configuration-reference/#logic-statements */
export const logicSchema: z.ZodType<Logic> = z.lazy(() =>
  z.union([
    z.string(),
    z.number(),
    z.boolean(),
    z.strictObject({ and: z.array(logicSchema).min(1) }),
    z.strictObject({ or: z.array(logicSchema).min(1) }),
    z.strictObject({ not: logicSchema }),
    z.strictObject({ equal: z.array(z.union([z.string(), z.number(), z.boolean()])).min(2) }),
    z.strictObject({ matches: z.strictObject({ pattern: z.string(), value: z.string() }) }),
  ]),
);
