import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { commonEnvironments } from "../../../../cli/project/monorepo.ts";
import { Project } from "../../../../cli/project/stack-file.ts";

test.each([
  ["of the example does not count beside others", { dev: "../shop", prod: "../shop", sandbox: "examples" }, "dev prod"],
  ["counts where it is of the same directory", { dev: "../shop", sandbox: "../shop" }, "dev sandbox"],
  ["counts where it is alone", { sandbox: "examples" }, "sandbox"],
  ["need not be there", { dev: "../shop", qa: "../other" }, "dev qa"],
])("the stack file of the sandbox %s", (_case, directories, expected) => {
  const stacks = mkdtempSync(join(tmpdir(), "stacks-"));
  try {
    for (const [name, directory] of Object.entries(directories))
      writeFileSync(
        join(stacks, `Pulumi.${name}.yaml`),
        `config:\n  delivery:schemaVersion: 2\n  delivery:app: { name: shop, directory: ${directory} }\n`,
      );
    expect(commonEnvironments(new Project(stacks)).join(" ")).toBe(expected);
  } finally {
    rmSync(stacks, { recursive: true });
  }
});
