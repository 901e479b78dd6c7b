import { kubeconfigVariable, pullVariables } from "../../core/names.ts";
import { isSecretSource, type ValueSource } from "../../components/circleci/contexts.ts";
import { tokenVariable } from "../../git/git-credentials.ts";
import { imagesOrigin } from "../../stacks/images-schema.ts";
import { githubTokenVariable } from "../github/connection.ts";
import type { EnvironmentSettings, Reach, ReachableContext } from "./reach.ts";
import type { Finding } from "./report.ts";

/** What the stack files alone say of walls that are open, or lower than they could be. */
export function declaredWallFindings(reach: Reach): Finding[] {
  return [
    ...contextFindings(reach),
    ...reach.contexts.flatMap((context) => secretFindings(context, reach)),
    ...reach.environments.flatMap((environment) => settingFindings(environment, reach)),
    ...deployBranchFindings(reach),
  ];
}

/** Contexts that jobs do not get. */
function contextFindings({ environments, contexts, undeclared }: Reach): Finding[] {
  const [first] = environments;
  if (first === undefined) return [];
  const error = (location: string, message: string): Finding => ({ level: "error", location, message });
  const twice = [...Map.groupBy(contexts, ({ name }) => name)].filter(([, same]) => same.length > 1);
  return [
    ...undeclared.map(({ name, jobs }) =>
      error(
        first.file,
        `no stack file declares context ${name}, which ${jobs.map(({ job }) => job).join(", ")} ${jobs.length === 1 ? "has" : "have"}; set owns.ciProject in one of ${environments.map(({ file }) => file).join(", ")}`,
      ),
    ),
    ...twice.map(([name, same]) =>
      error(
        same.map(({ file }) => file).join(" and "),
        `both declare context ${name}, and CircleCI takes a name once; ${same[0]?.kind === "environment" ? "give each its own `environment`" : "let one of them own it (owns.ciProject, gitops.previews)"}`,
      ),
    ),
    ...environments
      .filter(({ ci }) => ci.organizationId !== first.ci.organizationId)
      .map(({ file, ci }) =>
        error(
          `${file}: ci.organizationId`,
          `${ci.organizationId}: the pipeline runs in ${first.ci.organizationId} (${first.file}), whose jobs get no context of another organization; make them the same`,
        ),
      ),
    ...environments
      .filter(({ github }) => github?.branch !== first.github?.branch)
      .map(({ file, name, github }) =>
        error(
          `${file}: github.branch`,
          `${github?.branch ?? "the default branch"}: ${first.file} delivers ${first.github?.branch ?? "the default branch"}, whose jobs do not get the context of ${name}; make them the same`,
        ),
      ),
  ];
}

/** What a context holds that those who get it should not have. */
function secretFindings(context: ReachableContext, { contexts }: Reach): Finding[] {
  const { kind, name, file, delivered } = context;
  if (delivered || kind === "environment") return [];
  return Object.entries(context.variables).flatMap(([variable, source]): Finding[] => {
    const location = `${file}: ${source.startsWith("secrets.") ? `ci.contexts.${kind}.${variable}` : source}`;
    if (variable.startsWith("PULUMI_") || (variable === kubeconfigVariable && kind === "read")) {
      const what = variable === kubeconfigVariable ? "the cluster" : "the state, which has the secrets of all stacks,";
      return [
        {
          level: "error",
          location,
          message: `${what} is open to whoever may push a branch: their jobs get ${name}; remove it: previews run on the published state, and need neither`,
        },
      ];
    }
    const [same] = contexts
      .filter((other) => other.delivered && other.file === file)
      .flatMap((other) =>
        Object.entries(other.variables).flatMap(([inOther, one]) =>
          one === source && isShared(variable, source) ? [`${inOther} of ${other.name}`] : [],
        ),
      );
    return same === undefined
      ? []
      : [
          {
            level: "error",
            location,
            message: `${JSON.stringify(source.replace(/^secrets\./, ""))} is ${same}, too, so that whoever may push a branch has what only what is merged is to have; name another secret here, of an account that may do less`,
          },
        ];
  });
}

/** The login for pulls may only read, and is in all contexts. */
function isShared(variable: string, source: ValueSource): boolean {
  return isSecretSource(source) && variable !== pullVariables.password;
}

function settingFindings(environment: EnvironmentSettings, { app, contexts, environments }: Reach): Finding[] {
  const { name, file, ci, images, cluster, promotion, github } = environment;
  const isFirst = environments[0] === environment;
  const isLast = environments.length > 1 && !environments.some((other) => other.promotion?.from === name);
  const warning = (key: string, message: string): Finding => ({
    level: "warning",
    location: `${file}: ${key}`,
    message,
  });
  const { admission } = cluster;
  const jobs = contexts.find(({ kind, stack }) => kind === "environment" && stack === name)?.jobs ?? [];
  const asksCluster = jobs
    .map(({ job }) => job)
    .filter(
      (job) => job === `verify-${name}` || (job === `promote-${name}` && promotion?.healthyMinutes !== undefined),
    );
  const tagging = jobs.some(({ job }) => job === `tag-${name}`);
  const copies = promotion?.copyImages === true;
  // Jobs look for images where they are copied from.
  const { registry } = copies ? imagesOrigin(images) : images;
  const findings: (Finding | false)[] = [
    isFirst &&
      ci.engine === "travis" &&
      warning(
        "ci.engine",
        'travis: settings of a branch are no wall: pull requests for that branch from branches of the repository get them, too, with a configuration of their own, and so do builds that whoever may push triggers. Let nobody push branches but who may have what production trusts, others by forks alone (leave "Share encrypted environment variables with forks" off), and switch triggered builds off in the repository\'s settings; or take an engine that has contexts',
      ),
    ci.sharedContext && {
      level: "error",
      location: `${file}: ci.sharedContext`,
      message: `whoever may push a branch gets all that ${app}-${environment.environment} holds; merge what \`npx delivery ci-config\` writes, remove the key, and \`pulumi up\``,
    },
    images.login === "password" &&
      images.source === "registry" &&
      images.pull?.registry !== registry &&
      warning(
        "images.pull",
        `missing for ${registry}: jobs of ${name} that look for images have ${app}-build, which may push${isFirst ? ", and builds of pull requests have no login" : ""}; set it to an account that may only read`,
      ),
    copies &&
      images.login === "password" &&
      copyLogin.some((variable) => !(variable in ci.environment)) &&
      warning(
        "ci.environment",
        `promotion.copyImages has CI push to ${images.registry}, for which jobs of ${name} have no login; set ${copyLogin.join(" and ")} to secrets with an account that may push to ${images.registry}/${images.organization}, and nowhere else`,
      ),
    asksCluster.length > 0 &&
      !(kubeconfigVariable in ci.environment) &&
      warning(
        "ci.environment",
        `${asksCluster.join(" and ")} ${asksCluster.length === 1 ? "asks" : "ask"} the cluster, for which ${app}-${environment.environment} has no ${kubeconfigVariable}; set it to a secret with the kubeconfig of a user who may only read there`,
      ),
    tagging &&
      !(githubTokenVariable in ci.environment) &&
      warning(
        "ci.environment",
        `github.versionTags has tag-${name} make tags of ${github?.repository ?? "the monorepo"}, for which ${app}-${environment.environment} has no ${githubTokenVariable}; set it to a secret with a token that may write contents there`,
      ),
    isFirst &&
      !isPinned(ci.image) &&
      warning(
        "ci.image",
        `${JSON.stringify(ci.image)}: all jobs with credentials run in what the tag means that day; write ${ci.image}@sha256:…, which \`docker buildx imagetools inspect ${ci.image}\` shows`,
      ),
    isFirst &&
      ci.program !== undefined &&
      !/^[0-9a-f]{40}$/.test(ci.program.ref ?? "") &&
      warning(
        "ci.program.ref",
        `${ci.program.ref ?? "its default branch"}: jobs with credentials run what is there that day, so that whoever may write there has them all; set it to a commit, or protect that branch as well as the monorepo's`,
      ),
    isLast &&
      environments.some((other) => other.images.signing !== undefined) &&
      images.signing?.verify === undefined &&
      warning(
        "images.signing.verify",
        `missing: images are signed, and ${name} runs those that nobody has signed, too; set it to signed${images.signing === undefined ? ", with the public key in images.signing.publicKeys" : ""}`,
      ),
    isLast &&
      admission?.action !== "enforce" &&
      warning(
        "cluster.admission",
        `${admission === undefined ? "missing" : "only audits"}: the cluster starts images in ${name} that nobody has released; set its action to ${admission === undefined ? "audit, and then to enforce" : "enforce"}`,
      ),
    isLast &&
      promotion?.approval !== true &&
      environments.length > 1 &&
      promotion?.healthyMinutes === undefined &&
      promotion?.test === undefined &&
      warning(
        "promotion",
        `nothing stands between ${promotion?.from ?? "what is merged"} and ${name}: what runs there is promoted at once; set promotion.approval, healthyMinutes or test`,
      ),
  ];
  return findings.filter((finding) => finding !== false);
}

function isPinned(image: string): boolean {
  return /@sha256:[0-9a-f]{64}$/.test(image);
}

/** The login with which a promotion pushes copies. */
const copyLogin = ["DELIVERY_REGISTRY_USERNAME", "DELIVERY_REGISTRY_PASSWORD"] as const;

/** A credential writes to a whole branch. */
function deployBranchFindings({ environments, contexts }: Reach): Finding[] {
  const withGit = environments.flatMap(({ gitops, ...one }) => (gitops === undefined ? [] : [{ ...one, gitops }]));
  const groups = Map.groupBy(withGit, ({ gitops }) => `${gitops.repository} ${gitops.branch}`);
  return [...groups.values()].flatMap((same): Finding[] => {
    const [last, ...others] = same.toReversed();
    if (last === undefined || others.length === 0) return [];
    const { branch, repository } = last.gitops;
    const previews = contexts.find(
      ({ kind, stack, variables }) =>
        kind === "previews" && tokenVariable in variables && same.some(({ name }) => name === stack),
    );
    const names = others.toReversed().map(({ name }) => name);
    const remedy =
      "give it a gitops.branch or gitops.repository of its own, with a token or a branch protection that fits";
    return [
      previews === undefined
        ? {
            level: "warning",
            location: `${last.file}: gitops.branch`,
            message: `branch ${branch} of ${repository} is that of ${names.join(" and ")}, too, and whoever may write one's releases may write the other's; ${remedy}`,
          }
        : {
            level: "error",
            location: `${last.file}: gitops.branch`,
            message: `branch ${branch} of ${repository} is written with ${previews.name}, too, which jobs of whoever may push a branch get; ${remedy}`,
          },
    ];
  });
}
