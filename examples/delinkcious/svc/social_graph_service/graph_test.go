package main

import (
	"context"
	"slices"
	"testing"

	"example.com/delinkcious/pkg/webtest"
)

func TestMemoryStore(t *testing.T) { testStore(t, &memoryStore{edges: map[edge]bool{}}) }

// testStore is the contract of every store.
func testStore(t *testing.T, s store) {
	ctx := t.Context()
	expect := func(name string, list func(context.Context, string) ([]string, error), of string, want ...string) {
		t.Helper()
		got, err := list(ctx, of)
		if err != nil || got == nil || !slices.Equal(got, want) {
			t.Errorf("%s of %s: got %v, %v, want %v", name, of, got, err, want)
		}
	}
	expect("following", s.following, "alice")
	for _, e := range []edge{{"alice", "x-y"}, {"alice", "xa"}, {"alice", "bob"}, {"bob", "alice"}, {"carol", "bob"}, {"alice", "bob"}} {
		if err := s.follow(ctx, e); err != nil {
			t.Fatal(err)
		}
	}
	expect("following", s.following, "alice", "bob", "x-y", "xa")
	expect("followers", s.followers, "bob", "alice", "carol")
	expect("followers", s.followers, "carol")
	for range 2 {
		if err := s.unfollow(ctx, edge{"alice", "bob"}); err != nil {
			t.Fatal(err)
		}
	}
	expect("following", s.following, "alice", "x-y", "xa")
	expect("following", s.following, "bob", "alice")
	expect("followers", s.followers, "bob", "carol")
}

func TestHandlers(t *testing.T) {
	router := webtest.NewRouter()
	handle(router, &memoryStore{edges: map[edge]bool{}})
	webtest.Walk(t, router, []webtest.Step{
		{"GET", "/users/alice/following", ``, 200, `{"users":[]}`},
		{"PUT", "/users/alice/following/bob", ``, 204, ``},
		{"PUT", "/users/alice/following/bob", ``, 204, ``},
		{"PUT", "/users/alice/following/alice", ``, 400, `alice cannot follow themselves`},
		{"GET", "/users/alice/following", ``, 200, `{"users":["bob"]}`},
		{"GET", "/users/bob/followers", ``, 200, `{"users":["alice"]}`},
		{"DELETE", "/users/alice/following/bob", ``, 204, ``},
		{"DELETE", "/users/alice/following/bob", ``, 204, ``},
		{"GET", "/users/bob/followers", ``, 200, `{"users":[]}`},
	})
}
