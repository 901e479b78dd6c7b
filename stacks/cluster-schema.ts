import { z } from "zod";
import { portSchema } from "../components/service/ports.ts";
import { nonEmpty } from "../core/problem.ts";

const kubernetesName = (what: string): z.ZodString =>
  nonEmpty(what).regex(
    /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/,
    "Is not a Kubernetes name: lower case letters, digits and '-', at most 63",
  );

/** A shared Gateway, by which exposed services are reached: each attaches an HTTPRoute to it. */
const gatewaySchema = z.strictObject({
  name: kubernetesName("the name of the Gateway"),
  /** Where the Gateway is. It must let in routes of the environment's namespace (`allowedRoutes` of its listeners). */
  namespace: kubernetesName("the namespace of the Gateway"),
  /** The listener of the Gateway that routes attach to. @default all that take the host */
  listener: kubernetesName("the name of a listener of the Gateway").optional(),
  /** The domain below which services appear, e.g. `dev.acme.example`. */
  domain: nonEmpty("the domain below which services appear").regex(
    /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*$/,
    "Is no domain: lower case letters, digits, '-' and '.', such as dev.acme.example, without port and '*'",
  ),
  /** The namespace of the pods that requests pass, which the network policies let in. @default `namespace` */
  proxyNamespace: kubernetesName("the namespace of the Gateway's pods").optional(),
  /** What clients speak, for the addresses that are shown. @default https */
  scheme: z.enum(["http", "https"], "Must be http or https").default("https"),
  /** The port that clients connect to, likewise. @default that of the scheme */
  port: portSchema.optional(),
});

/** Whether the cluster takes pods of images that neither a release record nor the stack file names. */
const admissionSchema = z.strictObject({
  /** `audit`: they start, and the API server warns and notes it in its audit log; `enforce`: they do not start. */
  action: z.enum(["audit", "enforce"], "Must be audit or enforce; without admission, the cluster takes all"),
  /** Further images, as pods name them: what a service mesh puts into pods, what people debug with. @default none */
  images: z
    .array(
      z
        .string("Must be an image such as docker.io/library/busybox@sha256:…; quote it")
        .regex(/^[\w.:[\]-]+(\/[\w.-]+)*(:[\w.-]+)?(@sha256:[0-9a-f]{64})?$/, "Must be an image, as pods name it"),
    )
    .default([]),
});

/** Where an environment runs, and how it is reached. */
export const clusterSchema = z.strictObject({
  /** The context in the kubeconfig. @default its current one */
  context: z.string().optional(),
  /** @default `<app>-<environment>` */
  namespace: z
    .string()
    .regex(
      /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/,
      "Is not a Kubernetes name: lower case letters, digits and '-', at most 63",
    )
    .optional(),
  /** Take over objects of the same name that are there already, instead of refusing to create them. @default false */
  adoptExisting: z.boolean("Must be true or false").default(false),
  /** How exposed services are reached from outside: by an ingress controller, or by `gateway`. @default not at all */
  ingress: z
    .strictObject({
      className: nonEmpty("the IngressClass"),
      domain: nonEmpty("the domain below which services appear"),
      /** The namespace of the ingress controller, which the network policies let in. */
      namespace: nonEmpty("the namespace of the ingress controller"),
      /** The cert-manager ClusterIssuer that gives certificates. @default plain HTTP */
      clusterIssuer: z.string().optional(),
    })
    .optional(),
  gateway: gatewaySchema.optional(),
  /** @default none: the cluster takes pods of all images */
  admission: admissionSchema.optional(),
});
