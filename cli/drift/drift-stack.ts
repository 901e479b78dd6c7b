import { openCliStack } from "../pulumi/cli-stack.ts";
import { credentialsIn, redaction, textsOf } from "../preview/redaction.ts";
import type { DriftSources } from "./collect.ts";
import type { Look } from "./model.ts";
import { stackLook } from "./stack-look.ts";
import { stackStateOf } from "./stack-state.ts";

/** The stack for as long as the looks need it. What keeps it from being opened is told by each of them. */
export function openDriftStack(name: string): Pick<DriftSources, "state" | "stack"> & AsyncDisposable {
  const secrets: string[] = [];
  const opened = openCliStack(name, { onConfig: (values) => void secrets.push(...values) });
  // Whoever waits for it hears of the failure.
  opened.catch(() => undefined);
  return {
    state: async () => {
      const { stack } = await opened;
      return stackStateOf((await stack.exportStack()).deployment);
    },
    stack: async () => {
      const look = await stackLook((await opened).stack);
      return withoutSecrets(look, [...secrets.flatMap(textsOf), ...credentialsIn(process.env)]);
    },
    [Symbol.asyncDispose]: async () => {
      const stack = await opened.catch(() => undefined);
      await stack?.[Symbol.asyncDispose]();
    },
  };
}

/** The engine hides the secrets that it knows; what a provider says of a failure may repeat one. */
function withoutSecrets({ findings, reason, ...same }: Look, secrets: readonly string[]): Look {
  const { text } = redaction(secrets);
  return {
    ...same,
    reason: reason === null ? null : text(reason),
    findings: findings.map(({ what, change }) => ({ what: text(what), change: text(change) })),
  };
}
