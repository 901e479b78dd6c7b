import { run } from "./steps.ts";

/** What it runs may do everything on the builder's machine, so that its digest is written, too. */
const emulator =
  "tonistiigi/binfmt:qemu-v10.2.3@sha256:400a4873b838d1b89194d982c45e5fb3cda4593fbfd7e08a02e76b03b21166f0";

/** Docker's own builder makes images for its own platform alone. Where another BuildKit builds, it is set up already. */
export const emulation = run(
  "Set up a builder for several platforms",
  `[ -n "$BUILDKIT_HOST" ] || {
  docker run --privileged --rm ${emulator} --install all
  docker context create delivery
  docker buildx create --use delivery
}`,
);
