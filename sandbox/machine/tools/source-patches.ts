import { basename } from "node:path";
import type { SourcePatch } from "./patched-module.ts";

/** The application controller's metrics: the other components have a flag for the address. */
const sharedPatches: readonly SourcePatch[] = [
  {
    module: "github.com/argoproj/argo-cd/v3",
    file: "controller/appcontroller.go",
    from: '"0.0.0.0:%d", metricsPort',
    to: '"127.0.0.1:%d", metricsPort',
  },
];

/** Argo Rollouts' ports for metrics and health, which have flags for the port alone. */
const rolloutsPatches: readonly SourcePatch[] = [
  {
    module: "github.com/argoproj/argo-rollouts",
    file: "controller/controller.go",
    from: '"0.0.0.0:%d"',
    to: '"127.0.0.1:%d"',
  },
];

/** Tekton's ports, which are numbers in the environment at all addresses; its version of OpenTelemetry; the key stores of four clouds. */
const tektonPatches: readonly SourcePatch[] = [
  ...["cmd/controller/main.go", "cmd/webhook/main.go"].map((file) => ({
    module: "github.com/tektoncd/pipeline",
    file,
    from: 'http.ListenAndServe(":"+port',
    to: 'http.ListenAndServe("127.0.0.1:"+port',
  })),
  { module: "knative.dev/pkg", file: "webhook/webhook.go", from: 'fmt.Sprint(":",', to: 'fmt.Sprint("127.0.0.1:",' },
  {
    module: "knative.dev/pkg",
    file: "observability/runtime/pprof.go",
    from: '":" + port',
    to: '"127.0.0.1:" + port',
  },
  // Probes of its own beside those of Tekton, at a port that nothing can change.
  {
    module: "knative.dev/pkg",
    file: "injection/sharedmain/main.go",
    from: "if !healthProbesDisabled(ctx) {",
    to: "if false {",
  },
  // OpenTelemetry ends a process whose attributes are of another schema than its own, which is that of the other tools.
  {
    module: "knative.dev/pkg",
    file: "observability/semconv/semconv.go",
    from: "otel/semconv/v1.41.0",
    to: "otel/semconv/v1.43.0",
  },
  ...["aws", "azure", "gcp", "hashivault"].map((store) => ({
    module: "github.com/tektoncd/pipeline",
    file: "pkg/trustedresources/verifier/verifier.go",
    from: `_ "github.com/sigstore/sigstore/pkg/signature/kms/${store}"`,
    to: "",
  })),
];

/** By the family whose folder has a go.mod of its own. */
const ownPatches: Readonly<Record<string, readonly SourcePatch[]>> = {
  rollouts: rolloutsPatches,
  tekton: tektonPatches,
};

/** The lines that are changed in what a module of tools depends on. */
export function patchesOf(folder: string): readonly SourcePatch[] {
  if (folder === import.meta.dirname) return sharedPatches;
  return ownPatches[basename(folder)] ?? [];
}
