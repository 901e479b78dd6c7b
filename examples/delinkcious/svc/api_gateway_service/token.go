package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"example.com/delinkcious/pkg/web"
)

const tokenLifetime = 12 * time.Hour

// signer makes tokens of the form base64url(claims).base64url(HMAC-SHA256 of the first part).
type signer struct {
	key []byte
	now func() time.Time
}

type claims struct {
	Name      string    `json:"name"`
	ExpiresAt time.Time `json:"expiresAt"`
}

func (s signer) issue(name string) (token string, expiresAt time.Time, err error) {
	expiresAt = s.now().Add(tokenLifetime).UTC().Truncate(time.Second)
	content, err := json.Marshal(claims{name, expiresAt})
	if err != nil {
		return "", time.Time{}, err
	}
	payload := base64.RawURLEncoding.EncodeToString(content)
	return payload + "." + base64.RawURLEncoding.EncodeToString(s.sign(payload)), expiresAt, nil
}

// user is the name a request's bearer token was issued for.
func (s signer) user(r *http.Request) (string, error) {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		return "", web.Fail(http.StatusUnauthorized, "log in at POST /v1/login and send its token: 'Authorization: Bearer TOKEN'")
	}
	invalid := web.Fail(http.StatusUnauthorized, "the token is not valid, log in again")
	payload, signature, _ := strings.Cut(token, ".")
	mac, err := base64.RawURLEncoding.DecodeString(signature)
	if err != nil || !hmac.Equal(mac, s.sign(payload)) {
		return "", invalid
	}
	content, err := base64.RawURLEncoding.DecodeString(payload)
	if err != nil {
		return "", invalid
	}
	var c claims
	if err := json.Unmarshal(content, &c); err != nil || c.Name == "" {
		return "", invalid
	}
	if !s.now().Before(c.ExpiresAt) {
		return "", web.Fail(http.StatusUnauthorized, "the token has expired, log in again")
	}
	return c.Name, nil
}

func (s signer) sign(payload string) []byte {
	mac := hmac.New(sha256.New, s.key)
	mac.Write([]byte(payload))
	return mac.Sum(nil)
}
