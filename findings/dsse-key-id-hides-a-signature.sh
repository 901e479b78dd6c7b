#!/usr/bin/env bash
# go-securesystemslib 0.11.0 (DSSE envelopes in cosign 3.1.3 and in-toto): a signature by the right key is not found, if its envelope
# names the key by another hash than an SSH fingerprint.
#
# One would guess: a verifier that was given one key and no name for it tries that key. DSSE has `keyid` as a hint that nobody
#   authenticates, and leaves its form to whoever signs: many write the SHA-256 of the public key in hexadecimal.
# What happens: a verifier without a name gets one from its key, the fingerprint as `ssh-keygen -l` prints it, and passes over every
#   signature with another. "Found: 0, Expected 1" is what one reads, as if nobody had signed. Keys of which SSH knows no
#   form, such as EC on P-224, are tried after all.
# Who is hurt: whoever signs with one tool and verifies with cosign or in-toto: all other checks of the same envelope pass. Leave
#   `keyid` empty.
set -euo pipefail
work=$(mktemp -d)
trap 'chmod -R u+w "$work" && rm -rf "$work"' EXIT
cd "$work"
go mod init try 2>/dev/null
GOFLAGS=-modcacherw go get github.com/secure-systems-lab/go-securesystemslib/dsse@v0.11.0 2>/dev/null
cat >main.go <<'GO'
package main

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"
)

// One key, which has no name.
type verifier struct{ key *ecdsa.PublicKey }

func (v verifier) KeyID() (string, error)   { return "", nil }
func (v verifier) Public() crypto.PublicKey { return v.key }
func (v verifier) Verify(_ context.Context, data, signature []byte) error {
	digest := sha256.Sum256(data)
	if ecdsa.VerifyASN1(v.key, digest[:], signature) {
		return nil
	}
	return errors.New("does not fit")
}

func main() {
	for _, curve := range []elliptic.Curve{elliptic.P256(), elliptic.P224()} {
		key, err := ecdsa.GenerateKey(curve, rand.Reader)
		if err != nil {
			panic(err)
		}
		payload := []byte(`{"subject":"image"}`)
		digest := sha256.Sum256(dsse.PAE("application/vnd.in-toto+json", payload))
		signature, err := ecdsa.SignASN1(rand.Reader, key, digest[:])
		if err != nil {
			panic(err)
		}
		der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
		if err != nil {
			panic(err)
		}
		hash := sha256.Sum256(der)
		fingerprint, err := dsse.SHA256KeyID(&key.PublicKey)
		ids := []struct{ name, id string }{{"no name", ""}, {"hash of the key in hexadecimal", hex.EncodeToString(hash[:])}}
		if err == nil {
			ids = append(ids, struct{ name, id string }{"fingerprint of SSH", fingerprint})
		}
		for _, id := range ids {
			envelope := &dsse.Envelope{
				PayloadType: "application/vnd.in-toto+json",
				Payload:     base64.StdEncoding.EncodeToString(payload),
				Signatures:  []dsse.Signature{{KeyID: id.id, Sig: base64.StdEncoding.EncodeToString(signature)}},
			}
			check, err := dsse.NewEnvelopeVerifier(verifier{&key.PublicKey})
			if err != nil {
				panic(err)
			}
			_, err = check.Verify(context.Background(), envelope)
			if err == nil {
				err = errors.New("verified")
			}
			fmt.Printf("%s, %s: %v\n", curve.Params().Name, id.name, err)
		}
	}
}
GO
cat >expected <<'TEXT'
P-256, no name: verified
P-256, hash of the key in hexadecimal: accepted signatures do not match threshold, Found: 0, Expected 1
P-256, fingerprint of SSH: verified
P-224, no name: verified
P-224, hash of the key in hexadecimal: verified
TEXT
go run . | tee seen
diff expected seen
echo "As described: go-securesystemslib 0.11.0."
