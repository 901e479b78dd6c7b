import type { CiEngineName } from "../../stacks/ci-schema.ts";
import { circleCi } from "./circleci/circleci.ts";
import type { CiEngine } from "./engine.ts";
import { tekton } from "./tekton/tekton.ts";
import { travis } from "./travis/travis.ts";

/** The engines by the name that `ci.engine` of a stack file has for them. */
export const engines: Readonly<Record<CiEngineName, CiEngine>> = { circleci: circleCi, tekton, travis };
