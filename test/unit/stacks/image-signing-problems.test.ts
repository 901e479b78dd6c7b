import { expect, test } from "vitest";
import { imageSigningProblems } from "../../../stacks/image-signing-problems.ts";
import { imageSigningSchema } from "../../../stacks/image-signing-schema.ts";
import { secretPlaceholder } from "../../../core/setting-values.ts";
import { keyPair } from "../../support/signing.ts";

const keys = keyPair();
const images = { source: "registry", signing: { secret: "image-key", publicKeys: [keys.publicPem] } };
const owns = { ciProject: true, argoCd: false };

function problems(changes: object, key: string | undefined = keys.privatePem): string[] {
  const { signing, ...rest }: { signing?: object; owns?: object; source?: string; delivery?: string } = { ...changes };
  const settings = {
    owns: rest.owns ?? owns,
    delivery: rest.delivery ?? "direct",
    images: { ...images, ...rest, signing: "signing" in changes ? signing : images.signing },
  };
  // The rest of what `images` says does not matter here.
  return imageSigningProblems("dev.yaml", settings as Parameters<typeof imageSigningProblems>[1], key).map(
    ({ location, message }) => `${location}: ${message}`,
  );
}

test("a pair of keys is right, and so is a stack that only verifies", () => {
  const { publicKeys } = images.signing;
  expect(problems({})).toEqual([]);
  expect(problems({ signing: { publicKeys }, owns: { ciProject: false } })).toEqual([]);
  expect(problems({ signing: undefined })).toEqual([]);
  // As previews of pull requests have it, without credentials.
  expect(problems({}, secretPlaceholder)).toEqual([]);
});

test("what does not fit together says what to do, and shows no key", () => {
  const { publicKeys } = images.signing;
  expect(problems({}, keyPair().privatePem)).toEqual([
    "dev.yaml: images.signing.publicKeys: the key that belongs to the secret image-key is not among them; `pulumi config get --path 'secrets.image-key' | openssl pkey -pubout` prints the public key of the secret image-key",
  ]);
  expect(problems({ owns: { ciProject: false } })[0]).toContain("images.signing.secret: is of the builds' context");
  expect(problems({ signing: { publicKeys } })[0]).toMatch(
    /secret: missing, so CI's builds cannot sign; make it with `openssl genpkey/,
  );
  expect(problems({ signing: { ...images.signing, verify: "signed" }, source: "build" })[0]).toContain(
    "this program builds all images itself (images.source build), unsigned",
  );
  expect(problems({ signing: { ...images.signing, verify: "signed" }, source: "build", delivery: "gitops" })).toEqual(
    [],
  );
  expect(problems({}, "nonsense")[0]).toContain("the secret image-key is not a private key in PEM");
  expect(problems({}, keyPair("P-384").privatePem)[0]).toContain("is a key of another kind than EC on the curve P-256");
  const cosign = "-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\neyJ\n-----END ENCRYPTED SIGSTORE PRIVATE KEY-----\n";
  expect(problems({}, cosign)[0]).toContain(
    "the secret image-key is encrypted, and where it is kept it is a secret already",
  );
});

test("a policy without a key to verify by is refused", () => {
  const faults = (signing: unknown): string[] =>
    imageSigningSchema.safeParse(signing).error?.issues.map(({ message }) => message) ?? [];
  expect(faults({ publicKeys: [], verify: "signed" })).toEqual([
    "Must have a key, or nothing can be verified; `pulumi config get --path 'secrets.image-key' | openssl pkey -pubout` prints the public key of the secret image-key",
  ]);
  expect(faults({ verify: "signed" })[0]).toContain("Must be a list of public keys in PEM");
  expect(faults({ publicKeys: [keys.privatePem] })[0]).toContain("Is a private key: it is in Git now");
  expect(faults({ publicKeys: ["ssh-ed25519 AAAA"] })[0]).toContain("Is not a public key in PEM");
  expect(faults({ publicKeys: [keys.publicPem], verify: true })[0]).toContain("Must be signed");
  expect(faults({ publicKeys: [keys.publicPem], origin: "acme" })[0]).toContain("such as docker.io/acme");
  expect(faults({ publicKeys: [keys.publicPem], origin: "docker.io/acme", verify: "signed" })).toEqual([]);
});
