import { isIn } from "./source-tree.ts";

/** How a changed file affects a service: its image, or only its tests. */
export interface AffectedBy {
  readonly part: "image" | "tests";
  /** The file, or the shared code that it is in. */
  readonly reason: string;
}

/** Whether a file is written for people. @param own a directory whose code counts, also where it is below `docs` itself */
export function isDocumentation(own: string, file: string): boolean {
  return file.endsWith(".md") || (isIn("docs", file) && !isIn("docs", own));
}

/** Whether a file is there for Git, CI or editors: a build of everything takes it along, and nothing reads it. */
export function isRepositoryMetadata(file: string): boolean {
  return housekeepingFolders.test(file) || housekeepingFiles.test(file);
}

// `.git*` and `.dockerignore` have done their work before the build begins.
const housekeepingFolders =
  /(^|\/)(\.git[^/]*|\.circleci|\.buildkite|\.husky|\.vscode|\.idea|\.zed|\.fleet|\.devcontainer)(\/|$)/;
const housekeepingFiles =
  /(^|\/)(\.dockerignore|\.editorconfig|\.travis\.yml|\.drone\.yml|azure-pipelines[^/]*\.yml|Jenkinsfile|CODEOWNERS|Pulumi(\.[^/]+)?\.yaml)$/;

/** Whether a file is there to run, describe or deploy what the repository has: a build that reads such a file has its name. */
export function isForOperations(file: string): boolean {
  return operationsFolders.test(file) || operationsFiles.test(file);
}

const operationsFolders =
  /^(terraform|infra|infrastructure|ansible|helm|charts|k8s|kubernetes|deploy|deployments?|docs?)\//;
const operationsFiles =
  /(^|\/)((docker-)?compose([.-][\w.-]*)?\.ya?ml|[^/]+\.(tf|tfvars|hcl)|Tiltfile|Vagrantfile|skaffold\.ya?ml|renovate\.json5?|\.pre-commit-config\.yaml|mkdocs\.ya?ml|(README|CHANGELOG|CONTRIBUTING|SECURITY|CODE_OF_CONDUCT|AUTHORS)(\.\w+)?)$/;
