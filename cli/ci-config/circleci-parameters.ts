import { z } from "zod";

/** What a parameter or a variable can be set to. */
export const parameterValueSchema = z.union([z.string(), z.number(), z.boolean()]);

const description = z.string().optional();

/**
 * Parameters of a pipeline, a job or a command, by name; one without a default must be given.
 * Source: https://circleci.com/docs/guides/orchestrate/reusing-config/#parameter-syntax
 */
export const parameterDeclarationsSchema = z.record(
  z.string().regex(/^[a-z][a-z0-9_-]*$/, "Must be lower case letters, digits, '-' and '_'"),
  z.discriminatedUnion("type", [
    z.strictObject({ type: z.literal("string"), default: z.string().optional(), description }),
    z.strictObject({ type: z.literal("boolean"), default: z.boolean().optional(), description }),
    z.strictObject({ type: z.literal("integer"), default: z.int().optional(), description }),
    z.strictObject({ type: z.literal("executor"), default: z.string().optional(), description }),
    z
      .strictObject({
        type: z.literal("enum"),
        enum: z.array(z.string()).min(1),
        default: z.string().optional(),
        description,
      })
      .refine((parameter) => parameter.default === undefined || parameter.enum.includes(parameter.default), {
        message: "Must be one of enum",
        path: ["default"],
      }),
  ]),
);
export type ParameterDeclarations = z.infer<typeof parameterDeclarationsSchema>;
