/** A resource of the state that CircleCI does not have any more. */
export interface GoneResource {
  readonly urn: string;
  /** For example `Context`. */
  readonly kind: string;
  readonly name: string;
  /** Protected resources are not deleted by the engine; what is gone is taken out all the same. */
  readonly protected: boolean;
}

/** Something that CircleCI has, that is declared, and that the state lacks. */
export interface OrphanReport {
  readonly kind: string;
  readonly name: string;
  /** What `--adopt` takes. */
  readonly adopt: string;
  readonly adopted: boolean;
}

/** What `delivery repair` has found and done. */
export interface RepairReport {
  readonly stack: string;
  /** The account of the token: others may see more. */
  readonly account: string;
  /** How many resources of CircleCI the state has had. */
  readonly resources: number;
  readonly gone: readonly GoneResource[];
  /** Whether they are taken out of the state. */
  readonly removed: boolean;
  readonly orphans: readonly OrphanReport[];
  /** Of kinds that are not asked for. */
  readonly notAsked: readonly string[];
  /** What an update that was killed was creating, of all kinds: it may be there or not. A change of the state forgets it. */
  readonly interrupted: readonly string[];
}

/** The report for people. */
export function repairText(report: RepairReport): string {
  const { stack, account, resources, gone, removed, orphans, notAsked, interrupted } = report;
  const count = `${stack}: of ${resources} ${resources === 1 ? "resource" : "resources"} of CircleCI in the state`;
  const seen = `as ${account} sees it`;
  return [
    gone.length === 0
      ? `${count} all are there, ${seen}`
      : `${count} ${gone.length} ${verb(gone.length)} gone, ${seen}:`,
    ...gone.map((one) => `  ${one.kind} ${one.name}${one.protected ? " (protected)" : ""}`),
    ...(gone.length === 0 ? [] : [removed ? taken : proposed]),
    ...orphans.map(orphanText),
    ...interrupted.map((what) => `${what} was being created when an update was killed${interruption(report)}`),
    ...(notAsked.length === 0 ? [] : [`not asked for: ${notAsked.join(", ")}`]),
  ].join("\n");
}

const taken = "They are out of the state: `pulumi up` makes them again, and `pulumi destroy` goes on without them.";
const proposed = "Nothing is changed. With --yes they are taken out of the state, and nothing else is.";

function interruption({ gone, removed }: RepairReport): string {
  if (removed) return ": look whether it is there; the state does not mention it any more";
  return gone.length === 0
    ? ": `pulumi refresh` asks about it"
    : ": look whether it is there; with --yes the state does not mention it any more";
}

function verb(count: number): string {
  return count === 1 ? "is" : "are";
}

function orphanText({ kind, name, adopt, adopted }: OrphanReport): string {
  return adopted
    ? `${kind} ${name} is taken into the state: \`pulumi up\` goes on with it`
    : `${kind} ${name} is at CircleCI and not in the state, where \`pulumi up\` fails for it: take it in with --adopt ${adopt} --yes, or delete it at CircleCI`;
}
