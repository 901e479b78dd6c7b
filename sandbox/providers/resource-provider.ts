import type { EngineLog } from "./engine-client.ts";
import type { PropertyMap } from "./property.ts";

/** A resource as the engine names it in a call. */
export interface ResourceReference {
  urn: string;
  /** The type token, e.g. `kubernetes:apps/v1:Deployment`. */
  type: string;
  /** The logical name. */
  name: string;
}

export interface CheckRequest extends ResourceReference {
  olds: PropertyMap;
  news: PropertyMap;
  /** Bytes from which a physical name is derived, the same for every check of one resource in one update. */
  randomSeed: Uint8Array;
}

export interface CheckFailure {
  property: string;
  reason: string;
}

export interface CheckResult {
  inputs: PropertyMap;
  failures?: CheckFailure[];
}

export type DiffKind = "add" | "add-replace" | "delete" | "delete-replace" | "update" | "update-replace";

export interface DiffRequest extends ResourceReference {
  id: string;
  /** The outputs in the state. */
  olds: PropertyMap;
  oldInputs: PropertyMap;
  news: PropertyMap;
  ignoreChanges: string[];
}

export interface DiffResult {
  /** Paths of the changed inputs, e.g. `spec.template.spec.containers[0].image`; empty: no change. */
  detailedDiff: Record<string, DiffKind>;
  /** The old resource goes before the new one comes. */
  deleteBeforeReplace?: boolean;
}

export interface CreateRequest extends ResourceReference {
  inputs: PropertyMap;
  preview: boolean;
  /** Seconds; 0: the provider's default. */
  timeoutSeconds: number;
}

export interface ReadRequest extends ResourceReference {
  id: string;
  /** The state's outputs; empty when the resource is imported. */
  state: PropertyMap;
  inputs: PropertyMap;
}

export interface UpdateRequest extends ResourceReference {
  id: string;
  olds: PropertyMap;
  oldInputs: PropertyMap;
  news: PropertyMap;
  ignoreChanges: string[];
  preview: boolean;
  timeoutSeconds: number;
}

export interface DeleteRequest extends ResourceReference {
  id: string;
  state: PropertyMap;
  oldInputs: PropertyMap;
  timeoutSeconds: number;
}

export interface CreateResult {
  /** Empty at preview. */
  id: string;
  outputs: PropertyMap;
}

/** `undefined`: the resource is gone. */
export type ReadResult = { id: string; outputs: PropertyMap; inputs: PropertyMap } | undefined;

export interface InvokeResult {
  outputs?: PropertyMap;
  failures?: CheckFailure[];
}

/** A provider with its configuration: what one provider resource of a program stands for. */
export interface ConfiguredProvider {
  check(request: CheckRequest): Promise<CheckResult>;
  diff(request: DiffRequest): Promise<DiffResult>;
  create(request: CreateRequest): Promise<CreateResult>;
  read(request: ReadRequest): Promise<ReadResult>;
  update(request: UpdateRequest): Promise<PropertyMap>;
  delete(request: DeleteRequest): Promise<void>;
  invoke(token: string, args: PropertyMap, preview: boolean): Promise<InvokeResult>;
  /** The user wants to stop: whatever waits should end soon, with an error. */
  cancel?(): void;
}

/** An offline provider: acts through the same protocol and with the same results as the official plugin of that name. */
export interface ResourceProvider {
  /** The plugin's package, e.g. `kubernetes`. */
  readonly name: string;
  readonly version: string;
  /** For packages that are another plugin's parameterization (`circleci` of `terraform-provider`). */
  parameterize?(value: { name: string; version: string }): { name: string; version: string };
  checkConfig?(news: PropertyMap): Promise<CheckResult>;
  /** Without it a changed provider input is an update in place. */
  diffConfig?(request: DiffRequest): Promise<DiffResult>;
  /** @param log absent where no engine is attached */
  configure(inputs: PropertyMap, log?: EngineLog): Promise<ConfiguredProvider>;
}

/** The object exists but did not become ready: the engine keeps it in the state and continues with it at the next update. */
export class ResourceInitError extends Error {
  override readonly name = "ResourceInitError";
  readonly id: string;
  readonly outputs: PropertyMap;
  readonly inputs: PropertyMap;
  readonly reasons: string[];

  constructor(message: string, details: { id: string; outputs: PropertyMap; inputs: PropertyMap; reasons: string[] }) {
    super(message);
    this.id = details.id;
    this.outputs = details.outputs;
    this.inputs = details.inputs;
    this.reasons = details.reasons;
  }
}
