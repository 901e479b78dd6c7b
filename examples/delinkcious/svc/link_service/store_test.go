package main

import (
	"errors"
	"slices"
	"testing"
	"time"
)

func TestMemoryStore(t *testing.T) { testStore(t, &memoryStore{}) }

// testStore is the contract of every store.
func testStore(t *testing.T, s store) {
	ctx := t.Context()
	for _, link := range []Link{
		{Owner: "alice", URL: "https://a.example/1", Title: "a1", Tags: []string{"go"}},
		{Owner: "bob", URL: "https://b.example/1", Title: "b1", Tags: []string{}},
		{Owner: "alice", URL: "https://a.example/2", Title: "a2", Tags: []string{"go", "k8s"}, FollowersOnly: true},
		{Owner: "bob", URL: "https://a.example/1", Title: "b2", Tags: []string{"go"}, FollowersOnly: true},
	} {
		added, err := s.add(ctx, link)
		if err != nil || added.ID == 0 || time.Since(added.CreatedAt).Abs() > time.Minute || added.CreatedAt.Location() != time.UTC {
			t.Fatalf("add %s: %+v, %v", link.Title, added, err)
		}
	}
	if _, err := s.add(ctx, Link{Owner: "alice", URL: "https://a.example/1", Title: "again", Tags: []string{}}); !errors.Is(err, errDuplicate) {
		t.Errorf("a duplicate: %v", err)
	}

	both := []string{"alice", "bob"}
	for _, test := range []struct {
		name  string
		query query
		want  []string
	}{
		{"public ones, newest first", query{owners: both, limit: 9}, []string{"b1", "a1"}},
		{"those of who trusts the viewer too", query{owners: both, trusting: []string{"alice"}, limit: 9}, []string{"a2", "b1", "a1"}},
		{"all", query{owners: both, trusting: both, limit: 9}, []string{"b2", "a2", "b1", "a1"}},
		{"trust alone selects nobody", query{owners: []string{"alice"}, trusting: both, limit: 9}, []string{"a2", "a1"}},
		{"the limit", query{owners: both, trusting: both, limit: 2}, []string{"b2", "a2"}},
		{"a tag", query{owners: both, trusting: both, tag: "go", limit: 9}, []string{"b2", "a2", "a1"}},
		{"an unknown tag", query{owners: both, tag: "rust", limit: 9}, []string{}},
		{"an unknown owner", query{owners: []string{"carol"}, limit: 9}, []string{}},
	} {
		found, err := s.find(ctx, test.query)
		titles := []string{}
		for _, link := range found {
			titles = append(titles, link.Title)
		}
		if err != nil || found == nil || !slices.Equal(titles, test.want) {
			t.Errorf("%s: got %v, %v, want %v", test.name, titles, err, test.want)
		}
	}

	found, err := s.find(ctx, query{owners: []string{"alice"}, limit: 1})
	if err != nil || len(found) != 1 {
		t.Fatal(found, err)
	}
	if err := s.remove(ctx, "bob", found[0].ID); !errors.Is(err, errNotFound) {
		t.Errorf("removing another's link: %v", err)
	}
	if err := s.remove(ctx, "alice", found[0].ID); err != nil {
		t.Errorf("removing: %v", err)
	}
	if err := s.remove(ctx, "alice", found[0].ID); !errors.Is(err, errNotFound) {
		t.Errorf("removing again: %v", err)
	}
}
