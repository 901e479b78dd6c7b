import { join } from "node:path";
import { temporaryDirectory } from "../../core/atomic-file.ts";
import { errorMessage } from "../../core/error.ts";
import { shortDigest } from "../../git/records.ts";
import { ciRun } from "../ci-run.ts";
import { CommandError, defineCommand, type CommandContext } from "../command.ts";
import { githubHelp } from "../github/access.ts";
import { migrationHelp, migrationOptions } from "../migrations/release-migrated.ts";
import {
  duration,
  environmentName,
  integer,
  reasonText,
  UsageError,
  type OptionTable,
  type OptionValues,
} from "../options.ts";
import { clusterHelp } from "../project/cluster.ts";
import { environmentHelp, environmentOptions, findEnvironment } from "../project/environment.ts";
import { Project } from "../project/stack-file.ts";
import { decidedWhere } from "../promotion/approval.ts";
import { readCandidates } from "../promotion/candidates.ts";
import { endHolds, holdDigests } from "../promotion/hold-digests.ts";
import { holdGate } from "../promotion/hold-gate.ts";
import { leftOutLines, proposalText, propose, type Proposal } from "../promotion/proposal.ts";
import { openRegistry, registryHelp, registryOptions } from "../registry/open-registry.ts";
import { readDigests, writeDigests, type Digests } from "../release/digests-file.ts";
import { requestOptions, requestTrailers } from "../release/requested-by.ts";
import { rollBack } from "../release/roll-back.ts";
import { promoteWith } from "./promote.ts";
import { verifiedServices } from "../verification/rules.ts";

const options = {
  env: {
    value: "ENVIRONMENT",
    parse: environmentName,
    required: true,
    help: "where the digests are to run, e.g. prod",
  },
  service: {
    value: "NAME",
    multiple: true,
    help: "only this service; once per service",
    defaultText: "all that both environments have",
  },
  propose: { value: "FILE", help: "write what is to be decided about to FILE, too, as `promote --propose` does" },
  shown: {
    value: "FILE",
    help: `with a choice: the digests that were looked at, as --propose has written them; - reads standard input. Where it is about
      others by now, nothing is changed`,
  },
  go: { help: "the environment gets them, if its other gates hold, as by `promote --approved`" },
  hold: {
    value: "REASON",
    parse: reasonText("it must wait"),
    help: `it does not get them: the newest pull request of each is put on hold, as \`/delivery hold\` does; needs promotion.holds`,
  },
  "take-back": {
    value: "REASON",
    parse: reasonText("it is taken back"),
    help: `where they come from, what ran before runs again, as by \`rollback\`; neither a pipeline nor a promotion brings them back`,
  },
  unhold: {
    value: "NUMBER",
    parse: integer(1, 1_000_000_000),
    multiple: true,
    help: "with --go: a pull request that is no longer on hold; once per pull request",
  },
  wait: {
    value: "DURATION",
    parse: duration,
    default: "0s",
    help: "with --go: how long to wait until healthyMinutes holds, e.g. 90m",
    defaultText: "not at all",
  },
  unverified: { help: "do not ask the registry whether it has the images" },
  json: { help: "print the result as JSON" },
  ...requestOptions,
  ...migrationOptions,
  ...environmentOptions,
  ...registryOptions,
} as const satisfies OptionTable;

export const command = defineCommand({
  summary: "decide about what waits to be promoted: go on, hold, or take back",
  description: [
    `Shows the digests that an environment would get by its next promotion, and what of them is on hold. With a choice, it carries that
    out for exactly the digests that were shown. Every choice is made by what there is for it already, so that it lasts: go on is a
    promotion, hold a label on GitHub, and take back a commit in the deploy repository.`,
  ],
  usage: [
    "approve --env ENVIRONMENT [--service NAME …] [--propose FILE]",
    "approve --env ENVIRONMENT --shown FILE (--go | --hold REASON | --take-back REASON) [OPTIONS]",
  ],
  options,
  notes: [migrationHelp, ...environmentHelp, clusterHelp, githubHelp, registryHelp],
  run,
});

type ApproveOptions = OptionValues<typeof options>;

interface Decision {
  readonly project: Project;
  readonly proposal: Proposal;
  readonly flags: ApproveOptions;
  readonly context: CommandContext;
}

async function run(flags: ApproveOptions, context: CommandContext): Promise<void> {
  const choose = choiceOf(flags);
  const project = new Project();
  const to = findEnvironment(project, flags.env, flags);
  const file = project.stackFile(to.name);
  const promotion = file.find("promotion")?.promotion;
  if (promotion === undefined)
    throw new CommandError(
      `${to.name} gets what is merged, and nothing by promotion (${file.path}), so that there is nothing to approve; \`delivery rollback --env ${to.name}\` takes back what it runs`,
    );
  const from = findEnvironment(project, promotion.from, flags);
  const path = { from, to, services: flags.service };
  const shown = flags.shown === undefined ? undefined : await readDigests(flags.shown, context.input);
  const candidates = await readCandidates(path);
  for (const line of leftOutLines(path, candidates)) context.note(line);
  const proposal = { ...path, pending: candidates.pending, seen: candidates.seen };
  const decision = { project, proposal, flags, context };
  if (choose === undefined || shown === undefined) return show(decision, promotion.holds);
  assertShown(proposal, shown);
  await choose(decision, shown);
}

type Choice = (decision: Decision, shown: Digests) => Promise<void>;

/** @returns `undefined`: it is only shown what there is to decide about */
function choiceOf(flags: ApproveOptions): Choice | undefined {
  const { go, hold, "take-back": takeBack, shown, propose: proposed, unhold } = flags;
  const choices: Choice[] = [
    ...(go ? [goOn] : []),
    ...(hold === undefined ? [] : [putOnHold(hold)]),
    ...(takeBack === undefined ? [] : [takeAway(takeBack)]),
  ];
  const [choice] = choices;
  if (choices.length > 1) throw new UsageError("--go, --hold and --take-back exclude each other; choose one");
  if (choice !== undefined && shown === undefined)
    throw new UsageError("--shown is missing: have --propose FILE show what it is about, and give --shown FILE");
  if (choice === undefined && shown !== undefined)
    throw new UsageError("--shown is for a choice: give --go, --hold REASON or --take-back REASON, too");
  if (choice !== undefined && proposed !== undefined)
    throw new UsageError("--propose shows what there is to decide about; leave it out with a choice");
  if (shown === "-" && flags["password-stdin"])
    throw new UsageError("--shown - and --password-stdin both read standard input; give --shown a file");
  if (!go && unhold !== undefined) throw new UsageError("--unhold is for --go");
  return choice;
}

async function show({ project, proposal, flags, context }: Decision, holds: boolean): Promise<void> {
  const { from, to, pending, seen } = proposal;
  const held =
    holds && pending.length > 0
      ? await holdGate({ project, to: to.name, pending, seen, context })
      : { detail: "", services: [] };
  const onHold = (held.services ?? []).filter(({ passed }) => !passed);
  if (flags.json) {
    if (flags.propose !== undefined) propose(flags.propose, proposal, { print: () => {} });
    const services = pending.map(({ service, digest, sourceCommit }) => ({
      service,
      digest,
      sourceCommit: sourceCommit ?? null,
      hold: onHold.find((one) => one.service === service)?.detail ?? null,
    }));
    return context.print(JSON.stringify({ environment: to.name, from: from.name, changed: false, services }));
  }
  if (flags.propose === undefined) context.print(proposalText(proposal));
  else propose(flags.propose, proposal, context);
  if (held.services === undefined) context.note(held.detail);
  for (const { service, detail } of onHold) context.print(`  ${service} ${detail}`);
  if (pending.length > 0)
    context.print(
      `To decide: npx delivery approve --env ${to.name} --shown ${flags.propose ?? "FILE"} with --go, --hold REASON or --take-back REASON${flags.propose === undefined ? "; --propose FILE writes what is shown" : ""}`,
    );
}

/**
 * What is decided about is what was shown, and nothing else.
 * @throws CommandError that names every difference
 */
function assertShown({ from, to, pending }: Proposal, shown: Digests): void {
  if (pending.length === 0)
    throw new CommandError(
      `${to.name}: there is nothing to approve: it gets nothing from ${from.name}; nothing was changed`,
    );
  const now = new Map(pending.map(({ service, digest }) => [service, digest]));
  const services = [...new Set([...now.keys(), ...Object.keys(shown)])];
  const others = services.flatMap((service) => {
    const before = Object.hasOwn(shown, service) ? shown[service] : undefined;
    const digest = now.get(service);
    if (digest === before) return [];
    return [
      `  ${service}: ${before === undefined ? "was not there" : `${shortDigest(before)} was shown`}, and ${digest === undefined ? "is not to be promoted any more" : `it is ${shortDigest(digest)} now`}`,
    ];
  });
  if (others.length > 0)
    throw new CommandError(
      `${to.name}: it is no longer about what was shown; nothing was changed. Look again, with --propose FILE\n${others.join("\n")}`,
    );
}

const goOn: Choice = async ({ project, flags, context }, shown) => {
  const { env, service = [], repository, branch, images, username } = flags;
  const { "requested-by": login, "requested-in": url } = flags;
  const holds = await endHolds({
    project,
    environment: env,
    numbers: flags.unhold ?? [],
    by: login ?? decidedWhere(context.environment),
    context,
  });
  const given = Object.entries({ repository, branch, images, username, "requested-by": login, "requested-in": url });
  using directory = temporaryDirectory("delivery-approve-");
  const approved = join(directory.path, "shown.json");
  writeDigests(approved, shown, "give it room, and run the same command again");
  const waits = ["--wait", `${flags.wait}ms`, "--migration-wait", `${flags["migration-wait"]}ms`];
  const args = [
    "--to",
    env,
    "--approved",
    approved,
    ...waits,
    ...service.flatMap((name) => ["--service", name]),
    ...given.flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`, value])),
    ...(["unverified", "json", "password-stdin"] as const).flatMap((name) => (flags[name] ? [`--${name}`] : [])),
  ];
  await promoteWith(args, context, holds);
};

function putOnHold(reason: string): Choice {
  return async ({ project, proposal, flags, context }) => {
    const held = await holdDigests({ project, proposal, reason, context });
    const environment = proposal.to.name;
    if (flags.json) return context.print(JSON.stringify({ environment, changed: true, pullRequests: held }));
    for (const { number, url, services } of held)
      context.print(
        `${environment}: ${services.join(", ")} does not come until pull request #${number} is no longer on hold: ${url}`,
      );
  };
}

/** Of each service by a commit of its own, so that a person can revert the one that was wrong. */
function takeAway(reason: string): Choice {
  return async ({ project, proposal: { from, to, pending }, flags, context }, shown) => {
    const isVerified = verifiedServices(project, from);
    const registry = flags.unverified ? undefined : await openRegistry(flags, context);
    const link = ciRun(context.environment).link;
    const trailers = [
      `Judged-For: ${to.name}`,
      `Decided: ${decidedWhere(context.environment)}`,
      ...(link === undefined ? [] : [`Decided-In: ${link}`]),
      ...requestTrailers(flags),
    ];
    const services: { service: string; digest: string; previous: string | null; commit: string | null }[] = [];
    const failed: string[] = [];
    for (const { service, digest } of pending) {
      const away = { service, digest: shown[service] ?? digest };
      try {
        const { released, commit } = await rollBack(from, {
          services: [service],
          registry,
          trailers,
          away,
          reason,
          isVerified,
        });
        for (const one of released)
          services.push({ service, digest: one.digest, previous: one.previous ?? null, commit: commit ?? null });
      } catch (error) {
        // What has become of the others is said all the same.
        failed.push(errorMessage(error));
      }
    }
    if (flags.json) context.print(JSON.stringify({ environment: from.name, changed: services.length > 0, services }));
    else
      for (const { service, digest, previous, commit } of services)
        context.print(
          `${from.name}: ${service} ${previous === null ? "(nothing)" : shortDigest(previous)} → ${shortDigest(digest)}, commit ${commit}`,
        );
    if (failed.length > 0) throw new CommandError(failed.join("\n       "));
  };
}
