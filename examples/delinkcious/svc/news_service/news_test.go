package main

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"example.com/delinkcious/pkg/peer"
	"example.com/delinkcious/pkg/web"
	"example.com/delinkcious/pkg/webtest"
)

func TestMemoryCache(t *testing.T) { testCache(t, newMemoryCache()) }

// testCache is the contract of every cache.
func testCache(t *testing.T, c cache) {
	ctx := t.Context()
	if _, found, err := c.get(ctx, "alice"); found || err != nil {
		t.Fatalf("empty: %v, %v", found, err)
	}
	for _, links := range []string{`[{"id":1}]`, `[]`} {
		page := News{Links: json.RawMessage(links), AsOf: time.Now().UTC().Truncate(time.Millisecond)}
		if err := c.put(ctx, "alice", page); err != nil {
			t.Fatal(err)
		}
		got, found, err := c.get(ctx, "alice")
		if err != nil || !found || string(got.Links) != links || !got.AsOf.Equal(page.AsOf) {
			t.Errorf("got %+v, %v, %v, want %+v", got, found, err, page)
		}
	}
	if _, found, err := c.get(ctx, "bob"); found || err != nil {
		t.Errorf("another's page: %v, %v", found, err)
	}
}

func TestMemoryCacheIsBounded(t *testing.T) {
	c := newMemoryCache()
	for i := range 2 * memoryCachePages {
		_ = c.put(t.Context(), "user"+strconv.Itoa(i), News{AsOf: time.Now()})
	}
	if len(c.pages) > memoryCachePages {
		t.Errorf("%d pages", len(c.pages))
	}
}

// world holds peers in which alice follows bob, and carol nobody.
type world struct {
	links  string // what the link service answers for alice; "" when it fails
	asked  int
	now    time.Time
	router *web.Router
}

func newWorld(t *testing.T, c cache) *world {
	t.Helper()
	w := &world{now: time.Now()}
	following := func(users ...string) web.Handler {
		return func(*http.Request) (web.Reply, error) {
			return web.Reply{Status: 200, Body: map[string][]string{"users": users}}, nil
		}
	}
	peers := webtest.NewRouter()
	peers.Handle("GET /users/alice/following", following("bob", "dave"))
	peers.Handle("GET /users/carol/following", following())
	peers.Handle("GET /links", func(r *http.Request) (web.Reply, error) {
		w.asked++
		if got := r.URL.Query().Encode(); got != "limit=20&owner=bob&owner=dave&viewer=alice" {
			t.Errorf("the link service is asked for %s", got)
		}
		if w.links == "" {
			return web.Reply{}, errors.New("down")
		}
		return web.Reply{Status: 200, Body: map[string]json.RawMessage{"links": json.RawMessage(w.links)}}, nil
	})
	server := httptest.NewServer(peers)
	t.Cleanup(server.Close)
	h := handlers{
		graph: peer.New("social-graph", server.URL, time.Second),
		links: peer.New("link", server.URL, time.Second),
		cache: c,
		log:   slog.New(slog.DiscardHandler),
		now:   func() time.Time { return w.now },
	}
	w.router = webtest.NewRouter()
	w.router.Handle("GET /users/{name}/news", h.news)
	return w
}

func TestNews(t *testing.T) {
	w := newWorld(t, newMemoryCache())
	for _, step := range []struct {
		name   string
		links  string
		pass   time.Duration
		status int
		want   string
		asked  int
	}{
		{"no peer and nothing cached", ``, 0, 502, `the link service failed`, 1},
		{"first page", `[1]`, 0, 200, `{"links":[1],`, 2},
		{"fresh page", `[2,1]`, freshFor / 2, 200, `{"links":[1],`, 2},
		{"older page", `[2,1]`, freshFor, 200, `{"links":[2,1],`, 3},
		{"peer is down", ``, freshFor, 200, `{"links":[2,1],`, 4},
		{"and it is said", ``, freshFor, 200, `"stale":true}`, 5},
		{"peer is back", `[3]`, 0, 200, `{"links":[3],`, 6},
		{"and it is said", `[3]`, 0, 200, `"stale":false}`, 6},
	} {
		w.links, w.now = step.links, w.now.Add(step.pass)
		t.Run(step.name, func(t *testing.T) {
			webtest.Walk(t, w.router, []webtest.Step{{"GET", "/users/alice/news", ``, step.status, step.want}})
			if w.asked != step.asked {
				t.Errorf("the link service was asked %d times, want %d", w.asked, step.asked)
			}
		})
	}
	webtest.Walk(t, w.router, []webtest.Step{
		{"GET", "/users/carol/news", ``, 200, `{"links":[],`},
		{"GET", "/users/unknown/news", ``, 404, ``},
	})
}

type brokenCache struct{}

func (brokenCache) get(context.Context, string) (News, bool, error) {
	return News{}, false, errors.New("connection refused")
}
func (brokenCache) put(context.Context, string, News) error { return errors.New("connection refused") }

func TestNewsWithoutItsCache(t *testing.T) {
	w := newWorld(t, brokenCache{})
	w.links = `[1]`
	webtest.Walk(t, w.router, []webtest.Step{{"GET", "/users/alice/news", ``, 200, `{"links":[1],`}})
}
