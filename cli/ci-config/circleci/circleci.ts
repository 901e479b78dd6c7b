import { circleCiHost } from "../../../circleci/api.ts";
import type { CiEngine } from "../engine.ts";
import { render } from "../generated-files.ts";
import { continueConfiguration, failedConfiguration } from "./configuration.ts";
import { continuePipeline } from "./continue-pipeline.ts";
import { checkedConfiguration, generatedFiles } from "./files.ts";

/** CircleCI: its setup job continues with a configuration of what has changed alone. */
export const circleCi: CiEngine = {
  title: "CircleCI",
  directory: ".circleci",
  purpose: `.circleci/config.yml, which finds out what has changed, and .circleci/continue_config.yml, the whole pipeline`,
  files: generatedFiles,
  async continueRun({ pipeline, trigger, problem }, { ci: { host = circleCiHost } }, context) {
    const { kind, pullRequest = 0 } = trigger;
    const configuration = checkedConfiguration(
      "the configuration to continue with",
      continueConfiguration(pipeline, { trigger: kind, problem }),
    );
    const part = {
      configuration: render(configuration, `Made by \`${pipeline.regenerate}\`.`),
      parameters: { trigger: kind, "pull-request": pullRequest },
    };
    await continuePipeline(host, part, context);
  },
  async failRun(problem, { ci: { host = circleCiHost } }, context) {
    const configuration = render(failedConfiguration(problem), "Made by `delivery ci-config`.");
    await continuePipeline(host, { configuration, parameters: {} }, context);
  },
};
