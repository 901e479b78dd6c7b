package main

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestTokens(t *testing.T) {
	now := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	at := func(key string, passed time.Duration) signer {
		return signer{key: []byte(key), now: func() time.Time { return now.Add(passed) }}
	}
	token, expiresAt, err := at("key", 0).issue("alice")
	if err != nil || !expiresAt.Equal(now.Add(tokenLifetime)) {
		t.Fatal(expiresAt, err)
	}
	forged, _, err := at("other key", 0).issue("alice")
	if err != nil {
		t.Fatal(err)
	}
	bobs, _, err := at("key", 0).issue("bob")
	if err != nil {
		t.Fatal(err)
	}
	alicePayload, _, _ := strings.Cut(token, ".")
	_, bobSignature, _ := strings.Cut(bobs, ".")
	for _, test := range []struct {
		name, header string
		passed       time.Duration
		user, want   string
	}{
		{"valid", "Bearer " + token, 0, "alice", ""},
		{"valid to the last second", "Bearer " + token, tokenLifetime - time.Second, "alice", ""},
		{"expired", "Bearer " + token, tokenLifetime, "", "expired"},
		{"other key", "Bearer " + forged, 0, "", "not valid"},
		{"another's signature", "Bearer " + alicePayload + "." + bobSignature, 0, "", "not valid"},
		{"no signature", "Bearer " + alicePayload + ".", 0, "", "not valid"},
		{"garbage", "Bearer !.!", 0, "", "not valid"},
		{"empty", "Bearer ", 0, "", "not valid"},
		{"other scheme", "Basic " + token, 0, "", "log in at POST /v1/login"},
		{"none", "", 0, "", "log in at POST /v1/login"},
	} {
		request := httptest.NewRequest("GET", "/v1/me", nil)
		request.Header.Set("Authorization", test.header)
		user, err := at("key", test.passed).user(request)
		if user != test.user || (err == nil) != (test.want == "") || (err != nil && !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s: got %q, %v", test.name, user, err)
		}
	}
}
