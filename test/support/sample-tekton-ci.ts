import * as pulumi from "@pulumi/pulumi";
import type { TektonCiArgs } from "../../components/tekton/tekton-ci.ts";

/** What a stack that owns the project says of the Tekton that runs its pipeline. */
export const sampleTektonCi: TektonCiArgs = {
  app: "shop",
  environment: "dev",
  owned: true,
  standalone: true,
  repository: "https://github.com/acme/shop",
  image: "cimg/node:24.11",
  registry: { server: "docker.io", username: "acme-ci", password: pulumi.secret("hunter2") },
  readGit: { username: "reader", token: pulumi.secret("hunter4") },
  variables: { DELIVERY_GIT_TOKEN: "deploy-token" },
  shared: { build: {}, read: {}, previews: { DELIVERY_GIT_TOKEN: "previews-token" } },
  secrets: new Map([
    ["deploy-token", pulumi.secret("hunter3")],
    ["previews-token", pulumi.secret("hunter5")],
    ["pull-token", pulumi.secret("hunter6")],
    ["incoming", pulumi.secret("hunter7")],
  ]),
};

/** With schedules, and with what starts their runs. */
export const sampleSchedules: Pick<TektonCiArgs, "schedules" | "incoming"> = {
  schedules: [{ name: "drift", schedule: "0 6 * * *", branch: "main" }],
  incoming: { controller: "http://pac.example:8080", secret: "incoming" },
};
