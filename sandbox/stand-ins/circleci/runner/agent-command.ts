import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * The command `circleci` of a job, as far as it lists deploys: what it is told stands in the job's log, and nowhere else.
 * Source: https://circleci.com/docs/guides/deploy/configure-deploy-markers/
 */
const script = `#!/bin/sh
fail() { echo "Error: $*" >&2; exit 1; }
[ "$1 $2" = "run release" ] || fail "unknown command \\"$*\\" for \\"circleci\\""
action=$3
[ $# -ge 4 ] && shift 3 || fail "a deploy has no name"
plan=
for argument in "$@"; do
  case "$argument" in
    --target-version=?*) version=\${argument#*=} ;;
    --status=*) status=\${argument#*=} ;;
    --environment-name=?*|--component-name=?*|--namespace=?*|--failure-reason=*|--rollback) ;;
    -*) fail "unknown flag: $argument" ;;
    *) [ -z "$plan" ] && plan=$argument || fail "accepts 1 arg(s)" ;;
  esac
done
plans="$TMPDIR/../plans"
case "$action" in
  plan)
    [ -n "$version" ] || fail 'required flag(s) "target-version" not set'
    echo "$plan" >>"$plans" ;;
  update)
    grep -qxF "$plan" "$plans" 2>/dev/null || fail "no release is planned as $plan"
    case "$status" in RUNNING|SUCCESS|FAILED|CANCELED) ;; *) fail "invalid status \\"$status\\"" ;; esac ;;
  *) fail "unknown command \\"$action\\" for \\"circleci run release\\"" ;;
esac
echo "deploy $action $*"
`;

/** @param folder the job's. @returns the directory for its PATH */
export function makeAgentCommand(folder: string): string {
  const directory = agentDirectory(folder);
  mkdirSync(directory, { mode: 0o700 });
  writeFileSync(join(directory, "circleci"), script);
  chmodSync(join(directory, "circleci"), 0o700);
  return directory;
}

export function agentDirectory(folder: string): string {
  return join(folder, "bin");
}
