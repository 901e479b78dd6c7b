/** What an update would do to one environment, as found by the engine's preview; plain data, free of secrets. */
export interface StackPreview {
  readonly stack: string;
  /** Without credentials, from a scrubbed state. */
  readonly forkSafe: boolean;
  /** What was not previewed, or not in full, in phrases for the report. */
  readonly limits: readonly string[];
  /** Why the preview failed; empty: it did not. */
  readonly errors: readonly string[];
  readonly policies: readonly PolicyViolation[];
  readonly warnings: readonly string[];
  /** The resources that are replaced or deleted: what a reviewer must not miss. */
  readonly losses: readonly Loss[];
  /** The services that change. */
  readonly services: readonly ServiceChange[];
  /** The names of those that do not. */
  readonly unchanged: readonly string[];
  /** The names of those that nothing tests, as they say. */
  readonly untested: readonly string[];
  /** The names of those whose images the update builds without releasing them, since what is in Git runs. */
  readonly builds: readonly string[];
  /** All other resources that are created or changed. */
  readonly others: readonly ResourceChange[];
  /** Files of the deploy repository that change. */
  readonly files: readonly FileChange[];
  /** Every change of a property, apart from files. */
  readonly properties: readonly PropertyChanges[];
  /** Resources by what would happen to them, e.g. `{create: 3, same: 40}`. */
  readonly counts: Readonly<Record<string, number>>;
}

export interface PolicyViolation {
  readonly policy: string;
  /** A mandatory one fails the preview. */
  readonly mandatory: boolean;
  /** The service that it is of; empty: none, or the engine has not said. */
  readonly service: string;
  /** The resource, e.g. `Deployment link`; empty: the stack. */
  readonly resource: string;
  /** Its file in the deploy repository; empty: it has none. */
  readonly file: string;
  readonly message: string;
}

export interface Loss {
  readonly action: "replace" | "delete";
  /** For example `Namespace`. */
  readonly kind: string;
  readonly name: string;
  /** What it is part of. */
  readonly area: Category;
  /** For a replacement the properties that force it, with their values. */
  readonly reasons: readonly string[];
}

/** Where a resource belongs. */
export type Category = "Services" | "CI" | "Argo CD" | "Cluster" | "Deploy repository" | "Images" | "Providers";

export interface ServiceChange {
  readonly name: string;
  readonly state: "new" | "changed" | "removed";
  /** The image by short digest; absent where nothing is known of it. */
  readonly image?: { readonly before: string; readonly after: string };
  /** For example `replicas 1 → 2`. */
  readonly changes: readonly string[];
}

export interface ResourceChange {
  readonly area: Category;
  readonly action: "create" | "update" | "import";
  readonly kind: string;
  readonly name: string;
  /** The properties that change. */
  readonly changes: readonly string[];
}

export interface FileChange {
  readonly path: string;
  readonly state: "added" | "changed" | "removed";
  /** Unified, without the names of the files and the lengths of the hunks. */
  readonly diff: string;
}

export interface PropertyChanges {
  readonly kind: string;
  readonly name: string;
  readonly lines: readonly string[];
}
