import { z } from "zod";
import { stackSchema } from "../../stacks/schema.ts";
import { CommandError, UsageError } from "../command.ts";
import { readStackSettings } from "../project/stack-file.ts";

const rulesSchema = stackSchema.pick({ promotion: true });

/** What must hold before digests come to an environment, as its stack file says. */
export type PromotionRules = Omit<NonNullable<z.infer<typeof rulesSchema>["promotion"]>, "from">;

/** Where the digests come from, and under which rules. */
export interface Promotion {
  readonly from: string;
  readonly rules: PromotionRules;
}

const noRules: PromotionRules = { approval: false };

/**
 * @param to the environment that is to get the digests
 * @param from the one that the caller names, if any
 * @throws CommandError where the stack file names another one
 */
export function promotionTo(to: string, from: string | undefined): Promotion {
  const file = `stacks/Pulumi.${to}.yaml`;
  const declared = readStackSettings(to, rulesSchema)?.promotion;
  if (declared === undefined) {
    if (from === undefined || from === "")
      throw new UsageError(`--from is missing: ${file} does not say where ${to} gets its digests (promotion.from)`);
    return { from, rules: noRules };
  }
  const { from: source, ...rules } = declared;
  if (from !== undefined && from !== source)
    throw new CommandError(
      `--from ${from}: ${to} gets its digests from ${source} only (promotion.from of ${file}), where they are tested; nothing was changed`,
    );
  return { from: source, rules };
}
