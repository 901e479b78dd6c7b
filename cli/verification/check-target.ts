import type { KubernetesClient } from "../../kubernetes/client.ts";
import type { KubernetesObject } from "../../kubernetes/object.ts";
import type { RecordedJudgment } from "../../git/recorded-judgment.ts";
import type { CommandContext } from "../command.ts";

/** What a check is about: the pods that run an image. */
export interface CheckTarget {
  readonly environment: string;
  /** Which of several clusters. @default the environment has one */
  readonly cluster?: string | undefined;
  readonly service: string;
  readonly digest: string;
  readonly namespace: string;
  /** Where its pods listen. @default the first port that its container has */
  readonly port: number | undefined;
  readonly pods: readonly KubernetesObject[];
  readonly client: KubernetesClient;
  readonly context: Pick<CommandContext, "environment" | "note" | "signal">;
}

/** What a check has found. Holds nothing secret: it is written into the deploy repository. */
export interface CheckOutcome {
  readonly passed: boolean;
  /** What was asked and what came of it, in one line. */
  readonly detail: string;
  /** What its command has judged. @default nothing */
  readonly judgment?: RecordedJudgment | undefined;
}

/** `{service}` and `{namespace}` in a setting that is for several services. */
export function filledIn(text: string, { service, namespace }: Pick<CheckTarget, "service" | "namespace">): string {
  return text.replaceAll("{service}", service).replaceAll("{namespace}", namespace);
}
