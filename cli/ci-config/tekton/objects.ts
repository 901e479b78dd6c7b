/**
 * The part of Tekton's API that the pipeline uses, version v1.
 * Source: https://tekton.dev/docs/pipelines/pipeline-api/
 */

export interface EnvironmentVariable {
  readonly name: string;
  readonly value: string;
}

export interface SecretSource {
  readonly secretRef: { readonly name: string; readonly optional?: boolean };
}

export interface TektonStep {
  readonly name: string;
  readonly image: string;
  readonly workingDir: string;
  readonly script: string;
  readonly env?: readonly EnvironmentVariable[];
  /** Of two that hold the same variable, the later counts. */
  readonly envFrom?: readonly SecretSource[];
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string; readonly readOnly?: true }[];
}

export interface TektonSidecar {
  readonly name: string;
  readonly image: string;
  readonly args?: readonly string[];
  readonly env?: readonly EnvironmentVariable[];
  readonly securityContext?: {
    readonly runAsUser: number;
    readonly runAsGroup: number;
    readonly seccompProfile: { readonly type: "Unconfined" };
    readonly appArmorProfile: { readonly type: "Unconfined" };
  };
}

export interface TaskSpec {
  readonly description?: string;
  readonly params?: readonly { readonly name: string; readonly type: "string" }[];
  readonly results?: readonly { readonly name: string; readonly type: "string" }[];
  readonly workspaces?: readonly { readonly name: string; readonly mountPath: string }[];
  readonly volumes: readonly (
    | { readonly name: string; readonly emptyDir: Record<string, never> }
    | { readonly name: string; readonly secret: { readonly secretName: string; readonly optional: true } }
  )[];
  readonly steps: readonly TektonStep[];
  readonly sidecars?: readonly TektonSidecar[];
}

export interface PipelineTask {
  readonly name: string;
  readonly runAfter?: readonly string[];
  readonly params?: readonly EnvironmentVariable[];
  readonly workspaces?: readonly { readonly name: string; readonly workspace: string }[];
  readonly taskSpec: TaskSpec;
}

export interface PipelineRun {
  readonly apiVersion: "tekton.dev/v1";
  readonly kind: "PipelineRun";
  readonly metadata: {
    /** What the API server appends a suffix to. */
    readonly generateName: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec: {
    /** Of the run, and of each of its jobs, which would end after an hour else. */
    readonly timeouts: { readonly pipeline: string; readonly tasks: string };
    readonly taskRunTemplate: {
      readonly serviceAccountName?: string;
      readonly podTemplate: {
        /** Whether jobs can speak to the API server. */
        readonly automountServiceAccountToken: boolean;
        readonly securityContext: { readonly fsGroup: number };
        /** Secrets with which the node gets images; one that is not there is passed over. */
        readonly imagePullSecrets?: readonly { readonly name: string }[];
      };
    };
    readonly pipelineSpec: {
      readonly workspaces?: readonly { readonly name: string }[];
      readonly tasks: readonly PipelineTask[];
    };
    readonly workspaces?: readonly {
      readonly name: string;
      readonly volumeClaimTemplate: {
        readonly spec: {
          readonly accessModes: readonly ["ReadWriteOnce"];
          readonly resources: { readonly requests: { readonly storage: string } };
        };
      };
    }[];
  };
}
