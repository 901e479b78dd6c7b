import { errorMessage } from "../../core/error.ts";
import { parseManifests } from "../../kubernetes/manifests.ts";
import { describe, kindOf, labelsAt, stringAt, type KubernetesObject } from "../../kubernetes/object.ts";
import { builtInRules } from "../../policy/built-in-rules.ts";
import { loadOwnRules, ownRulesDirectory } from "../../policy/own-rules.ts";
import { checkPolicies, type PolicyObject, type PolicyRule } from "../../policy/rule.ts";
import { manifestsOf } from "./manifest-diff.ts";
import type { PolicyViolation } from "./model.ts";
import { categoryOf, isMap, unknownWord, valueAt, type Step } from "./step.ts";

/** The rules that a preview asks. */
export interface PolicyRules {
  readonly rules: readonly PolicyRule[];
  /** Why rules of the user's cannot be asked. */
  readonly problems: readonly string[];
}

/** The program's own rules, and those of the user's folder, which is code: where that must see no credentials, none may be there. */
export async function policyRules(): Promise<PolicyRules> {
  const own = await loadOwnRules(
    ownRulesDirectory,
    builtInRules.map(({ name }) => name),
  );
  return { rules: [...builtInRules, ...own.rules], problems: own.problems };
}

/**
 * What the objects violate that a stack declares, in the deploy repository or by itself, changed or not.
 * @returns `errors`: of rules that nobody could ask, so that nothing passes in silence
 */
export function checkStackPolicies(
  steps: readonly Step[],
  { rules, problems }: PolicyRules,
): { policies: PolicyViolation[]; errors: string[] } {
  const all = [...objectsInGit(steps), ...appliedObjects(steps)];
  const released = new Set([unknownWord, ...releasedRepositories(steps)]);
  const { violations, failures } = checkPolicies(rules, { all, released });
  return {
    policies: [
      ...violations.map(({ rule, mandatory, service, file, object, message }) => ({
        policy: rule,
        mandatory,
        service,
        file,
        resource: describe(object),
        message,
      })),
      ...uncheckedFiles(steps),
    ],
    errors: [
      ...problems,
      ...failures.map(
        ({ rule, at, error }) =>
          `the policy ${rule} has failed at ${describe(at.object)}${at.file === "" ? "" : ` in ${at.file}`}, so that nobody knows whether it holds: ${errorMessage(error)}; mend the rule`,
      ),
    ],
  };
}

/** What nobody can look at before the update is said, so that nothing passes in silence. */
function uncheckedFiles(steps: readonly Step[]): PolicyViolation[] {
  return manifestsOf(steps).unknown.map((file) => ({
    policy: "not-checked",
    mandatory: false,
    service: "",
    file,
    resource: "",
    message:
      file === ""
        ? "what the deploy repository is to hold is known only once this is applied, so that no policy was asked about it"
        : "its content is known only once this is applied, so that no policy was asked about it",
  }));
}

/** What Argo CD will apply; a kustomization only lists the others. */
function objectsInGit(steps: readonly Step[]): PolicyObject[] {
  const { directory, after } = manifestsOf(steps);
  return [...after].flatMap(([file, text]) => {
    const parsed = parseManifests(text);
    // What is none is the program's own business, and so are files that only the update knows.
    if ("problem" in parsed) return [];
    const [service = ""] = file.slice(directory.length + 1).split("/");
    return parsed.objects
      .filter((object) => kindOf(object).kind !== "Kustomization")
      .map((object) => ({ object, service, file }));
  });
}

/** What the program applies itself. What comes with the release of another product is not the user's to change. */
function appliedObjects(steps: readonly Step[]): PolicyObject[] {
  return steps.flatMap((step) => {
    if (!step.type.startsWith("kubernetes:") || !["Services", "Cluster"].includes(categoryOf(step))) return [];
    if (!isMap(step.after)) return [];
    // What the engine says of an object is JSON; its words for secrets and for what is unknown are texts.
    const object = step.after as KubernetesObject;
    if (kindOf(object).kind === "") return [];
    const service = stringAt(labelsAt(object), "app.kubernetes.io/name") ?? "";
    return [{ object, service: categoryOf(step) === "Services" ? service : "", file: "" }];
  });
}

/**
 * To the images of these repositories, release records add the digest: every service in a deploy repository has one. What the
 * records say is not looked at, since a preview does not know any of them if it does not know all.
 */
function releasedRepositories(steps: readonly Step[]): string[] {
  if (!steps.some(({ type, after }) => type.endsWith(":GitManifests") && after !== undefined)) return [];
  // The component that holds all images says their names.
  return steps.flatMap(({ type, after }) => {
    const repositories = type === "delivery:images:ServiceImage" ? valueAt(after, ["repositories"]) : undefined;
    return Object.values(Object(repositories)).filter((name) => typeof name === "string");
  });
}
