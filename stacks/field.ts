import { z } from "zod";

/** A text that must be there; `what` completes "set it to". */
export const nonEmpty = (what: string): z.ZodString =>
  z.string(`Set it to ${what}`).min(1, `Must not be empty; set it to ${what}`);

/** The name of an environment variable. */
export const variable = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "Is not the name of an environment variable");
