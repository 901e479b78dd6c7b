import { posix } from "node:path";
import type { SourceTree } from "./source-tree.ts";

/**
 * Whether a build may have nothing of a package: each of its Go files, tests among them, is for some builds only. Which
 * builds these are depends on the machine, its settings and `-tags`, so that only Go knows.
 */
export function mayBeLeftOut(tree: SourceTree, directory: string): boolean {
  const names = tree.list(directory).files.filter((name) => name.endsWith(".go") && !/^[._]/.test(name));
  return names.every((name) => platform.test(name) || isConstrained(tree.read(posix.join(directory, name)) ?? ""));
}

/** Constraints come before the package clause; a file that imports C is only for builds with cgo. */
function isConstrained(text: string): boolean {
  const [head = ""] = text.split(/^package\s/m, 1);
  return /^\/\/(go:build|\s*\+build)\s/m.test(head) || /^\s*(import\s+)?"C"\s*$/m.test(text);
}

const systems =
  "aix android darwin dragonfly freebsd hurd illumos ios js linux nacl netbsd openbsd plan9 solaris wasip1 windows zos";
const processors =
  "386 amd64 amd64p32 arm arm64 arm64be armbe loong64 mips mips64 mips64le mips64p32 mips64p32le mipsle ppc ppc64 ppc64le riscv riscv64 s390 s390x sparc sparc64 wasm";

/** Source: https://pkg.go.dev/internal/syslist */
const platform = new RegExp(`_(${`${systems} ${processors}`.replaceAll(" ", "|")})(_test)?\\.go$`);
