import type { PolicyRule } from "./rule.ts";
import { idlePolicy, privilegedNamespace, systemNamespace } from "./rules/namespaces.ts";
import {
  imageByDigest,
  imageByTag,
  memoryLimit,
  privilegedPod,
  readinessProbe,
  unrestrictedPod,
} from "./rules/pods.ts";
import { rightsOverOthers } from "./rules/rights.ts";
import { secretInGit, secretInVariable } from "./rules/secrets.ts";

/** The rules that hold in every environment, the mandatory ones first. */
export const builtInRules: readonly PolicyRule[] = [
  imageByDigest,
  memoryLimit,
  privilegedPod,
  secretInGit,
  privilegedNamespace,
  systemNamespace,
  idlePolicy,
  imageByTag,
  unrestrictedPod,
  secretInVariable,
  rightsOverOthers,
  readinessProbe,
];
