import { ValidatingAdmissionPolicy } from "@pulumi/kubernetes/admissionregistration/v1/validatingAdmissionPolicy.js";
import { ValidatingAdmissionPolicyBinding } from "@pulumi/kubernetes/admissionregistration/v1/validatingAdmissionPolicyBinding.js";
import type { Provider } from "@pulumi/kubernetes/provider.js";
import * as pulumi from "@pulumi/pulumi";
import { commonLabels } from "../manifests/metadata.ts";
import { withoutTraces } from "../bulk-declaration.ts";
import { previousEntries } from "../../git/allowed-images.ts";
import { ImageHistory } from "./image-history.ts";
import type { AdmissionSettings } from "../manifests/allowed-images.ts";
import {
  bindingName,
  environmentPolicy,
  imageList,
  otherPodsBinding,
  previewsBinding,
  previewsPolicy,
  serviceBindings,
  type AdmissionBinding,
} from "../manifests/admission.ts";
import type { ManifestContext } from "../manifests/manifest-context.ts";
import type { Service } from "../service/service.ts";

export interface AdmissionArgs {
  context: ManifestContext;
  settings: AdmissionSettings;
  /** The images that the stack itself names. */
  declared: readonly string[];
  /** The images of the services, by digest, where this program releases them. @default none */
  released?: Readonly<Record<string, pulumi.Input<string>>>;
  /** Whether pull requests have environments of their own. @default false */
  previews?: boolean;
  provider: Provider;
}

/**
 * Has the cluster refuse pods of images that neither a release record nor the stack names, or say that it would. The policy alone
 * does nothing: what pods may have must be on the cluster before the bindings are.
 */
export class Admission extends pulumi.ComponentResource {
  /** What must know of new images before manifests have them. */
  readonly policy: pulumi.Resource;
  readonly #args: AdmissionArgs;
  readonly #released: ImageHistory | undefined;

  constructor(name: string, args: AdmissionArgs, opts?: pulumi.ComponentResourceOptions) {
    const { context, settings, declared, released, previews = false, provider } = args;
    const { app, namespace } = context.environment;
    super("delivery:cluster:Admission", name, { namespace, action: settings.action }, opts);
    this.#args = args;
    const own = { parent: this, provider };
    const { history } = new ImageHistory(`${name}.declared`, { images: { declared } }, { parent: this });
    const list = history.apply(({ declared: all = [] }) => imageList([...all, ...settings.images]));
    const images = Object.fromEntries(Object.entries(released ?? {}).map(([service, image]) => [service, [image]]));
    this.#released = released && new ImageHistory(`${name}.released`, { images }, { parent: this });
    this.policy = new ValidatingAdmissionPolicy(name, environmentPolicy(context, settings, list), own);
    if (previews) {
      const policy = new ValidatingAdmissionPolicy(`${name}.previews`, previewsPolicy(app, settings), own);
      const spec = previewsBinding(app, settings);
      const metadata = { name: spec.policyName, labels: commonLabels(app) };
      new ValidatingAdmissionPolicyBinding(`${name}.previews`, { metadata, spec }, { ...own, dependsOn: policy });
    }
    this.registerOutputs();
  }

  /** What ran of a service before, by the keys of its ConfigMap; `undefined`: the release records say it. */
  previousImages(service: string): pulumi.Output<Record<string, string>> | undefined {
    return this.#released?.history.apply((all) => previousEntries(all[service]?.slice(1) ?? []));
  }

  /** Holds the pods that belong to no service to what is declared. @param after what must be there before */
  bindOthers(after: readonly pulumi.Resource[]): pulumi.Resource {
    return this.#bind(otherPodsBinding(this.#args.context, this.#args.settings), after);
  }

  /** Holds the pods of a service to its own ConfigMap. @param after what must be there before */
  bindService(service: Service, after: readonly pulumi.Resource[]): pulumi.Resource[] {
    const bindings = serviceBindings(this.#args.context, service, this.#args.settings);
    return bindings.map((binding) => this.#bind(binding, after));
  }

  #bind({ part, spec }: AdmissionBinding, after: readonly pulumi.Resource[]): pulumi.Resource {
    const { context, provider } = this.#args;
    const { app, namespace } = context.environment;
    const metadata = { name: bindingName(namespace, part), labels: commonLabels(app) };
    return withoutTraces(
      () =>
        new ValidatingAdmissionPolicyBinding(
          part,
          { metadata, spec },
          { parent: this, provider, dependsOn: [this.policy, ...after] },
        ),
    );
  }
}
