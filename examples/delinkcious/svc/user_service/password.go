package main

import (
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
)

// strongIterations is OWASP's advice for PBKDF2 with SHA-256.
const strongIterations = 600_000

// hashPassword gives "pbkdf2-sha256 iterations salt hash", all that verifying needs.
func hashPassword(password string, iterations int) (string, error) {
	salt := make([]byte, 16)
	_, _ = rand.Read(salt) // never fails, by its contract
	hash, err := pbkdf2.Key(sha256.New, password, salt, iterations, sha256.Size)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("pbkdf2-sha256 %d %x %x", iterations, salt, hash), nil
}

func verifyPassword(stored, password string) bool {
	var iterations int
	var saltText, hashText string
	if _, err := fmt.Sscanf(stored, "pbkdf2-sha256 %d %s %s", &iterations, &saltText, &hashText); err != nil {
		return false
	}
	salt, saltErr := hex.DecodeString(saltText)
	want, hashErr := hex.DecodeString(hashText)
	if saltErr != nil || hashErr != nil {
		return false
	}
	got, err := pbkdf2.Key(sha256.New, password, salt, iterations, sha256.Size)
	return err == nil && subtle.ConstantTimeCompare(got, want) == 1
}
