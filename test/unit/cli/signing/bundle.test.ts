import { createPublicKey } from "node:crypto";
import { expect, test } from "vitest";
import { signStatement, verifyBundle } from "../../../../cli/signing/bundle.ts";
import { readStatement, statementOf } from "../../../../cli/signing/statement.ts";
import { keyHint } from "../../../../core/image-key.ts";
// What cosign 3.1.3 has written: `cosign sign --key … --signing-config EMPTY -a repository=… -a commit=…`
import cosigned from "../../../support/cosign-signature.json" with { type: "json" };
import { keyPair } from "../../../support/signing.ts";

interface Bundle {
  verificationMaterial: { publicKey: { hint?: string } };
  dsseEnvelope: { payload: string; payloadType: string; signatures: { sig: string; keyid: string }[] };
}
const ours = keyPair();
const claim = {
  digest: `sha256:${"1".repeat(64)}`,
  repository: "docker.io/acme/shop-link",
  commit: "c",
  tags: ["0.2.1"],
};
const statement = statementOf("signature", claim, {});
const bundleOf = (): Bundle => JSON.parse(signStatement(statement, ours.key).toString());

test("a bundle holds what was signed, and says for whom", () => {
  expect(verifyBundle(JSON.stringify(bundleOf()), [ours.key])).toEqual({ statement });
  const { repository, commit, tags } = claim;
  expect(readStatement(statement, claim.digest)).toMatchObject({ repository, commit, tags });
  expect(readStatement(statement, `sha256:${"2".repeat(64)}`)).toBeUndefined();
});

test("cosign takes it: the key is named where it looks, and nowhere else", () => {
  const { dsseEnvelope, verificationMaterial } = bundleOf();
  expect(verificationMaterial.publicKey.hint).toBe(keyHint(ours.key));
  // With another name of the key in the envelope, cosign 3.1.3 finds no signature by it.
  expect(dsseEnvelope.signatures.map(({ keyid }) => keyid ?? "")).toEqual([""]);
});

test("what cosign signs counts", () => {
  const verified = verifyBundle(JSON.stringify(cosigned.bundle), [createPublicKey(cosigned.publicKey)]);
  expect("statement" in verified && readStatement(verified.statement, cosigned.digest)).toMatchObject({
    predicateType: "https://sigstore.dev/cosign/sign/v1",
    repository: "127.0.0.1:5977/acme/shop-link",
    commit: "0123456789abcdef0123456789abcdef01234567",
  });
  expect(verifyBundle(JSON.stringify(cosigned.bundle), [ours.key])).toEqual({ reason: "foreign key" });
});

test("whichever key a bundle names, one of ours must have signed it", () => {
  const bundle = bundleOf();
  const renamed = JSON.stringify({ ...bundle, verificationMaterial: { publicKey: { hint: "x" } } });
  expect(verifyBundle(renamed, [ours.key])).toEqual({ statement });
  const theirs = keyPair();
  const pretended = JSON.parse(signStatement(statement, theirs.key).toString()) as Bundle;
  pretended.verificationMaterial.publicKey.hint = keyHint(ours.key);
  expect(verifyBundle(JSON.stringify(pretended), [ours.key])).toEqual({ reason: "broken" });
  expect(verifyBundle(JSON.stringify(bundle), [])).toEqual({ reason: "foreign key" });
});

test("what was changed, or is in another form, does not count", () => {
  const changed = bundleOf();
  changed.dsseEnvelope.payload = Buffer.from(statement.replace("shop-link", "shop-user")).toString("base64");
  expect(verifyBundle(JSON.stringify(changed), [ours.key])).toEqual({ reason: "broken" });
  const other = bundleOf();
  other.dsseEnvelope.payloadType = "text/plain";
  expect(verifyBundle(JSON.stringify(other), [ours.key])).toEqual({ reason: "other form" });
  for (const text of ["", "{}", "null", "[]", '{"mediaType":"x"}'])
    expect(verifyBundle(text, [ours.key])).toEqual({ reason: "other form" });
});
