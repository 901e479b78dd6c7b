import type { PropertyValue } from "../property.ts";
import { Answer, part, slugPath, type CircleCiApi } from "./api.ts";
import { findContextVariable, listRestrictions } from "./context.ts";
import { pipelineOutputs } from "./pipeline.ts";
import { projectOutputs, readSettings } from "./project.ts";
import { text, type Plain } from "./resource-type.ts";

/** A function of the package: the arguments it needs, and what it answers. */
export interface Lookup {
  readonly needs: readonly string[];
  run(api: CircleCiApi, args: Plain): Promise<Plain>;
}

export const lookups: Readonly<Record<string, Lookup>> = {
  "circleci:index/getOrganization:getOrganization": {
    needs: ["id"],
    async run(api, args) {
      const id = text(args, "id");
      const found = new Answer(await api.call(`read organization ${id}`, "GET", `/organization/${part(id)}`));
      return {
        id: found.text("id"),
        name: found.text("name"),
        slug: found.text("slug"),
        vcsType: found.text("vcs_type"),
      };
    },
  },
  "circleci:index/getProject:getProject": {
    needs: ["slug"],
    async run(api, args) {
      const slug = text(args, "slug");
      const found = projectOutputs(await api.call(`read project ${slug}`, "GET", `/project/${slugPath(slug)}`));
      const { vcsInfoDefaultBranch, vcsInfoProvider, vcsInfoUrl, ...rest } = found;
      return {
        ...rest,
        vcsInfo: {
          defaultBranch: vcsInfoDefaultBranch ?? "",
          provider: vcsInfoProvider ?? "",
          vcsUrl: vcsInfoUrl ?? "",
        },
      };
    },
  },
  "circleci:index/getProjectSettings:getProjectSettings": {
    needs: ["slug"],
    async run(api, args) {
      const slug = text(args, "slug");
      const { settings, oss } = await readSettings(api, slug);
      return { slug, ...settings, oss };
    },
  },
  "circleci:index/getContext:getContext": {
    needs: ["id"],
    async run(api, args) {
      const id = text(args, "id");
      const found = new Answer(await api.call(`read context ${id}`, "GET", `/context/${part(id)}`));
      const restrictions: PropertyValue[] = await listRestrictions(api, id);
      return { id: found.text("id"), name: found.text("name"), createdAt: found.text("created_at"), restrictions };
    },
  },
  "circleci:index/getContextEnvironmentVariable:getContextEnvironmentVariable": {
    needs: ["contextId", "name"],
    async run(api, args) {
      const [contextId, name] = [text(args, "contextId"), text(args, "name")];
      const found = await findContextVariable(api, contextId, name);
      if (found === undefined) throw new Error(`context ${contextId} of CircleCI has no variable ${name}`);
      return { contextId, name, createdAt: found.text("created_at"), updatedAt: found.text("updated_at") };
    },
  },
  "circleci:index/getPipeline:getPipeline": {
    needs: ["id", "projectId"],
    async run(api, args) {
      const [id, projectId] = [text(args, "id"), text(args, "projectId")];
      const path = `/projects/${part(projectId)}/pipeline-definitions/${part(id)}`;
      return pipelineOutputs(projectId, await api.call(`read pipeline ${id} of project ${projectId}`, "GET", path));
    },
  },
  "circleci:index/getTrigger:getTrigger": {
    needs: ["id", "projectId"],
    async run(api, args) {
      const [id, projectId] = [text(args, "id"), text(args, "projectId")];
      const found = new Answer(
        await api.call(
          `read trigger ${id} of project ${projectId}`,
          "GET",
          `/projects/${part(projectId)}/triggers/${part(id)}`,
        ),
      );
      const source = found.object("event_source");
      const parameters = found.scalars("parameters");
      return {
        id: found.text("id"),
        projectId,
        createdAt: found.optionalText("created_at") ?? "",
        checkoutRef: found.optionalText("checkout_ref") ?? "",
        disabled: found.boolean("disabled"),
        eventName: found.optionalText("event_name") ?? "",
        eventPreset: found.optionalText("event_preset") ?? "",
        eventSourceProvider: source.optionalText("provider") ?? "",
        eventSourceRepositoryExternalId: source.object("repo").optionalText("external_id") ?? "",
        eventSourceRepositoryName: source.object("repo").optionalText("full_name") ?? "",
        eventSourceScheduleAttributionActor:
          source.object("schedule").object("attribution_actor").optionalText("id") ?? "",
        eventSourceScheduleCronExpression: source.object("schedule").optionalText("cron_expression") ?? "",
        eventSourceWebhookUrl: source.object("webhook").optionalText("url") ?? "",
        ...(Object.keys(parameters).length === 0 ? {} : { parameters }),
      };
    },
  },
};
