import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";

/**
 * An executable in place of `buildctl` or `docker`: it builds nothing, and notes how it was called. For tests of what the CLI
 * does around a builder; that the builders take these arguments is for those with a real one.
 */
export class FakeBuilder implements Disposable {
  readonly directory = mkdtempSync(join(tmpdir(), "fake-builder-"));
  readonly path: string;

  /**
   * @param name of the executable
   * @param behaviour what it does, in the language of the shell: `$service` is that of the Dockerfile, `$attempt` counts from 1,
   * `built DIGEST` says what was pushed
   */
  constructor(name: string, behaviour: string) {
    const bin = join(this.directory, "bin");
    mkdirSync(bin);
    const script = join(bin, name);
    writeFileSync(script, `#!/bin/sh\nnotes='${this.directory}'\n${prelude}\n${behaviour}\n`);
    chmodSync(script, 0o755);
    this.path = `${bin}${delimiter}${process.env["PATH"] ?? ""}`;
  }

  /** The command lines, in the order of the calls. */
  get calls(): string[] {
    return this.note("calls").split("\n").filter(Boolean);
  }

  /** Whatever it noted under a name; empty: nothing. */
  note(name: string): string {
    const file = join(this.directory, name);
    return existsSync(file) ? readFileSync(file, "utf8") : "";
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

const prelude = `
[ "$1 $2" = "buildx inspect" ] && { echo 'Driver: docker'; exit 0; }
for argument; do case $argument in
  --metadata-file=*) metadata=\${argument#*=} ;;
  --local=dockerfile=* | --file=*) service=\${argument##*svc/}; service=\${service%%_service*} ;;
esac; done
echo "$*" >>"$notes/calls"
echo >>"$notes/attempts-$service"
attempt=$(wc -l <"$notes/attempts-$service")
env >"$notes/environment"
[ -n "$DOCKER_CONFIG" ] && {
  cp "$DOCKER_CONFIG/config.json" "$notes/config.json"
  stat -c '%a' "$DOCKER_CONFIG" "$DOCKER_CONFIG/config.json" >"$notes/modes"
  echo "$DOCKER_CONFIG" >"$notes/config-directory"
}
built() { echo "{\\"containerimage.digest\\": \\"$1\\"}" >"$metadata"; }
`;
