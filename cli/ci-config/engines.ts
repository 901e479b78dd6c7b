import { circleCi } from "./circleci/circleci.ts";
import type { CiEngine } from "./engine.ts";

/** The engines by the name that `ci.engine` of a stack file has for them. */
export const engines = { circleci: circleCi } as const satisfies Record<string, CiEngine>;
