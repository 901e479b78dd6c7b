import type { EngineEvent } from "@pulumi/pulumi/automation/index.js";

/** Says only that something failed, or what that led to; what failed has been said before. */
const consequence =
  /^(update|preview|refresh|destroy) failed$|^One or more errors occurred|client connection is closing|resource monitor shut down/;

/**
 * Runs an operation of the engine.
 * @throws Error with each of its problems once; the engine's own error repeats all that it has printed
 */
export async function withProblems<Result>(
  operation: (watch: { onEvent: (event: EngineEvent) => void }) => Promise<Result>,
): Promise<Result> {
  const problems = new Set<string>();
  const onEvent = ({ diagnosticEvent }: EngineEvent): void => {
    if (diagnosticEvent?.severity !== "error") return;
    const message = plain(diagnosticEvent.message);
    if (!consequence.test(message)) problems.add(`${about(diagnosticEvent.urn)}${message}`);
  };
  try {
    return await operation({ onEvent });
  } catch (error) {
    // Without any the engine itself did not run.
    if (problems.size === 0) throw error;
    throw new Error([...problems].join("\n"), { cause: error });
  }
}

/** Without the engine's marks for colors. */
function plain(message: string): string {
  return message.replaceAll(/<\{%[^%]*%\}>/g, "").trim();
}

/** The resource's type and name; nothing for the stack as a whole. */
function about(urn: string | undefined): string {
  const [, , types = "", name = ""] = urn?.split("::") ?? [];
  const type = types.split("$").at(-1) ?? "";
  return type === "" || type === "pulumi:pulumi:Stack" ? "" : `${type.split(":").at(-1)} ${name}: `;
}
