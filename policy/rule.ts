import type { KubernetesObject } from "../kubernetes/object.ts";

/** A Kubernetes object that a stack declares, and where it comes from. */
export interface PolicyObject {
  readonly object: KubernetesObject;
  /** The service that it belongs to; empty: none, such as the namespace. */
  readonly service: string;
  /** Its file in the deploy repository; empty: the program applies it itself. */
  readonly file: string;
}

/** What a rule sees besides the object. */
export interface PolicyContext {
  /** All objects of the environment. */
  readonly all: readonly PolicyObject[];
  /** The repositories of images to which release records add the digest. */
  readonly released: ReadonlySet<string>;
}

/** One rule about Kubernetes objects: a pure function, the same whoever runs it. */
export interface PolicyRule {
  /** As the report names it, e.g. `memory-limit`. */
  readonly name: string;
  /** One that is mandatory fails the preview; one that is advisory is reported. */
  readonly level: "mandatory" | "advisory";
  /** @returns what is wrong with the object, each with the way out; nothing: all is well */
  readonly check: (object: PolicyObject, context: PolicyContext) => readonly string[];
}

/** What an object breaks. */
export interface RuleViolation {
  readonly rule: string;
  readonly mandatory: boolean;
  readonly service: string;
  readonly file: string;
  readonly object: KubernetesObject;
  readonly message: string;
}

/** A rule has failed itself, so that nobody knows. */
export interface RuleFailure {
  readonly rule: string;
  readonly at: PolicyObject;
  readonly error: unknown;
}

/** Asks all rules about all objects. A rule that throws is asked no more: one failure says it. */
export function checkPolicies(
  rules: readonly PolicyRule[],
  context: PolicyContext,
): { violations: RuleViolation[]; failures: RuleFailure[] } {
  const outcomes = rules.map((rule) => checkRule(rule, context));
  return {
    violations: outcomes.flatMap(({ violations }) => violations),
    failures: outcomes.flatMap(({ failure }) => failure ?? []),
  };
}

function checkRule(
  { name, level, check }: PolicyRule,
  context: PolicyContext,
): { violations: RuleViolation[]; failure?: RuleFailure } {
  const violations: RuleViolation[] = [];
  for (const at of context.all) {
    try {
      const messages = check(at, context);
      // A rule of the user's may return anything.
      if (!Array.isArray(messages) || messages.some((message) => typeof message !== "string"))
        throw new Error("it returned no list of texts; return [] where all is well");
      const { service, file, object } = at;
      for (const message of messages)
        violations.push({ rule: name, mandatory: level === "mandatory", service, file, object, message });
    } catch (error) {
      return { violations, failure: { rule: name, at, error } };
    }
  }
  return { violations };
}
