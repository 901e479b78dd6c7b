import { dirname } from "node:path";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Runs the files of a directory one after the other, so that what they share is made once. */
export class NeighbourSequencer extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    // oxlint-disable-next-line unicorn/no-array-sort -- it is vitest's, and changes nothing
    const byDirectory = Map.groupBy(await super.sort(files), ({ moduleId }) => dirname(moduleId));
    return [...byDirectory.values()].flat();
  }
}
