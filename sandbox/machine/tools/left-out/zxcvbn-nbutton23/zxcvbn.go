// Package zxcvbn is left out: loading its lists of passwords is half of what every command of Pulumi takes to start. By them
// `pulumi config set` refuses a plain value that looks like a secret; here none does.
package zxcvbn

// MinEntropyMatch says how hard a password is to guess.
type MinEntropyMatch struct {
	Entropy float64
}

// PasswordStrength takes every password for one that is guessed at once, which no secret is.
func PasswordStrength(_ string, _ []string) MinEntropyMatch { return MinEntropyMatch{} }
