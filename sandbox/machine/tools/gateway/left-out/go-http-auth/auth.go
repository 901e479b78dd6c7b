// Package auth lets nobody in: Traefik's fork of it, for passwords at the Gateway, cannot be had from the module proxy.
package auth

import "net/http"

// BasicAuth is what asks for a name and a password.
type BasicAuth struct {
	Realm   string
	Secrets func(user, realm string) string
}

// RequireAuth refuses the request.
func (*BasicAuth) RequireAuth(w http.ResponseWriter, _ *http.Request) { refuse(w) }

// CheckSecret takes no password for right.
func CheckSecret(_, _ string) bool { return false }

// DigestAuth is what asks for the digest of a password.
type DigestAuth struct{}

// NewDigestAuthenticator makes one.
func NewDigestAuthenticator(_ string, _ func(user, realm string) string) *DigestAuth { return &DigestAuth{} }

// CheckAuth finds nobody.
func (*DigestAuth) CheckAuth(_ *http.Request) (string, *string) { return "", nil }

// RequireAuth refuses the request.
func (*DigestAuth) RequireAuth(w http.ResponseWriter, _ *http.Request) { refuse(w) }

// RequireAuthStale refuses the request.
func (*DigestAuth) RequireAuthStale(w http.ResponseWriter, _ *http.Request) { refuse(w) }

// DigestAuthParams reads nothing.
func DigestAuthParams(_ string) map[string]string { return nil }

func refuse(w http.ResponseWriter) {
	http.Error(w, "authentication is left out of this build", http.StatusNotImplemented)
}
