package main

import (
	"errors"
	"strings"
	"testing"
	"time"

	"example.com/delinkcious/pkg/webtest"
)

const fewIterations = 10

func TestMemoryStore(t *testing.T) { testStore(t, &memoryStore{users: map[string]account{}}) }

// testStore is the contract of every store.
func testStore(t *testing.T, s store) {
	ctx := t.Context()
	alice := account{User: User{Name: "alice"}, email: "alice@example.com", passwordHash: "hash"}
	added, err := s.add(ctx, alice)
	if err != nil || added.Name != "alice" || time.Since(added.CreatedAt).Abs() > time.Minute {
		t.Fatalf("add: %+v, %v", added, err)
	}
	if _, err := s.add(ctx, account{User: User{Name: "alice"}, email: "other@example.com", passwordHash: "other"}); !errors.Is(err, errDuplicate) {
		t.Errorf("a duplicate: %v", err)
	}
	alice.User = added
	if got, err := s.get(ctx, "alice"); err != nil || got != alice {
		t.Errorf("get: %+v, %v, want %+v", got, err, alice)
	}
	if _, err := s.get(ctx, "bob"); !errors.Is(err, errNotFound) {
		t.Errorf("get of an unknown name: %v", err)
	}
}

func TestHandlers(t *testing.T) {
	router := webtest.NewRouter()
	handle(router, &memoryStore{users: map[string]account{}}, fewIterations)
	long := strings.Repeat("a", 129)
	webtest.Walk(t, router, []webtest.Step{
		{"POST", "/users", `{"name":"alice","email":"alice@example.com","password":"correct horse"}`, 201, `{"name":"alice","createdAt":`},
		{"POST", "/users", `{"name":"alice","email":"a@example.com","password":"correct horse"}`, 409, `the name alice is taken`},
		{"POST", "/users", `{"name":"Alice","email":"a@example.com","password":"correct horse"}`, 400, `name \"Alice\"`},
		{"POST", "/users", `{"name":"a/b","email":"a@example.com","password":"correct horse"}`, 400, `name \"a/b\"`},
		{"POST", "/users", `{"name":"bob","email":"bob","password":"correct horse"}`, 400, `email \"bob\"`},
		{"POST", "/users", `{"name":"bob","email":"Bob <bob@example.com>","password":"correct horse"}`, 400, `is not an address`},
		{"POST", "/users", `{"name":"bob","email":"bob@example.com","password":"short"}`, 400, `password has 5 bytes`},
		{"POST", "/users", `{"name":"bob","email":"bob@example.com","password":"` + long + `"}`, 400, `password has 129 bytes`},
		{"POST", "/users", `{"name":"bob","admin":true}`, 400, `unknown field`},
		{"POST", "/sessions", `{"name":"alice","password":"correct horse"}`, 200, `{"name":"alice",`},
		{"POST", "/sessions", `{"name":"alice","password":"wrong horse"}`, 401, `the name or the password is wrong`},
		{"POST", "/sessions", `{"name":"bob","password":"correct horse"}`, 401, `the name or the password is wrong`},
		{"POST", "/sessions", `{"name":"\u0000","password":"correct horse"}`, 401, `the name or the password is wrong`},
		{"POST", "/sessions", `{"name":"alice","password":"` + long + `"}`, 401, `the name or the password is wrong`},
		{"GET", "/users/alice", ``, 200, `{"name":"alice",`},
		{"GET", "/users/bob", ``, 404, `there is no user bob`},
	})
	answer := webtest.Do(t, router, "GET", "/users/alice", "").Body.String()
	if strings.Contains(answer, "pbkdf2") || strings.Contains(answer, "example.com") {
		t.Errorf("an answer tells too much: %s", answer)
	}
}

func TestPasswords(t *testing.T) {
	first, err := hashPassword("correct horse", fewIterations)
	if err != nil {
		t.Fatal(err)
	}
	second, err := hashPassword("correct horse", fewIterations)
	if err != nil || first == second {
		t.Errorf("two hashes of one password are equal: %s, %v", first, err)
	}
	for _, test := range []struct {
		stored, password string
		want             bool
	}{
		{first, "correct horse", true},
		{second, "correct horse", true},
		{first, "wrong horse", false},
		{first, "", false},
		{"", "", false},
		{"pbkdf2-sha256 10 zz zz", "correct horse", false},
		{"plain correct horse", "correct horse", false},
	} {
		if got := verifyPassword(test.stored, test.password); got != test.want {
			t.Errorf("%q against %q: %v", test.password, test.stored, got)
		}
	}
}
