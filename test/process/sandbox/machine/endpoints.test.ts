import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { sandboxProject, sandboxSettings } from "../../../../sandbox/machine/endpoints.ts";

const checkout = process.cwd();

afterEach(() => process.chdir(checkout));

test("processes of the sandbox, which work in its own directory, find the stack file of the checkout", () => {
  const stateDir = mkdtempSync(join(tmpdir(), "delivery-endpoints-"));
  const { images } = sandboxSettings(sandboxProject(stateDir));
  process.chdir(stateDir);
  expect(sandboxSettings(sandboxProject(stateDir)).images).toEqual(images);
  process.chdir(checkout);
  rmSync(stateDir, { recursive: true });
});
