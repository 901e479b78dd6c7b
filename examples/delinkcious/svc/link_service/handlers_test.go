package main

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"example.com/delinkcious/pkg/peer"
	"example.com/delinkcious/pkg/web"
	"example.com/delinkcious/pkg/webtest"
)

// newService serves links beside a social graph in which bob follows alice.
func newService(t *testing.T) (router *web.Router, stopGraph func()) {
	t.Helper()
	graph := webtest.NewRouter()
	graph.Handle("GET /users/bob/following", reply(`alice`))
	graph.Handle("GET /users/carol/following", reply())
	server := httptest.NewServer(graph)
	t.Cleanup(server.Close)
	router = webtest.NewRouter()
	handle(router, &memoryStore{}, peer.New("social-graph", server.URL, time.Second), slog.New(slog.DiscardHandler))
	return router, server.Close
}

func reply(users ...string) web.Handler {
	return func(*http.Request) (web.Reply, error) {
		return web.Reply{Status: 200, Body: map[string][]string{"users": users}}, nil
	}
}

func TestHandlers(t *testing.T) {
	router, stopGraph := newService(t)
	webtest.Walk(t, router, []webtest.Step{
		{"POST", "/users/alice/links", `{"url":"https://go.dev","title":" Go ","tags":["Lang","go","lang"]}`, 201, `"title":"Go","tags":["go","lang"],"followersOnly":false`},
		{"POST", "/users/alice/links", `{"url":"https://go.dev"}`, 409, `alice has a link to https://go.dev already`},
		{"POST", "/users/alice/links", `{"url":"https://secret.example","followersOnly":true}`, 201, `"title":"https://secret.example","tags":[]`},
		{"POST", "/users/alice/links", `{"url":"javascript:alert(1)"}`, 400, `is not an http or https address`},
		{"POST", "/users/alice/links", `{"url":"https:///nohost"}`, 400, `is not an http or https address`},
		{"POST", "/users/alice/links", `{"url":"https://x.example/` + strings.Repeat("a", 2048) + `"}`, 400, `is not an http or https address`},
		{"POST", "/users/alice/links", `{"url":"https://x.example","title":"` + strings.Repeat("a", 201) + `"}`, 400, `at most 200 bytes`},
		{"POST", "/users/alice/links", `{"url":"https://x.example","title":"a\u0000b"}`, 400, `one line`},
		{"POST", "/users/alice/links", `{"url":"https://x.example","tags":["two words"]}`, 400, `tag \"two words\"`},
		{"POST", "/users/alice/links", `{"url":"https://x.example","tags":["a","b","c","d","e","f","g","h","i","j","k"]}`, 400, `11 tags`},
		{"GET", "/links", ``, 400, `owner is missing`},
		{"GET", "/links?owner=alice&limit=0", ``, 400, `limit`},
		{"GET", "/links?owner=nobody", ``, 200, `{"links":[]}`},
		{"GET", "/links?owner=alice&viewer=alice&tag=go", ``, 200, `go.dev`},
		{"DELETE", "/users/bob/links/1", ``, 404, `bob has no link 1`},
		{"DELETE", "/users/alice/links/one", ``, 400, `\"one\" is not a number`},
		{"DELETE", "/users/alice/links/1", ``, 204, ``},
		{"DELETE", "/users/alice/links/1", ``, 404, `alice has no link 1`},
	})

	for _, test := range []struct {
		viewer string
		shown  bool
	}{{"alice", true}, {"bob", true}, {"carol", false}, {"", false}} {
		answer := webtest.Do(t, router, "GET", "/links?owner=alice&viewer="+test.viewer, "")
		if strings.Contains(answer.Body.String(), "secret.example") != test.shown {
			t.Errorf("viewer %q sees %s", test.viewer, answer.Body)
		}
	}
	stopGraph()
	webtest.Walk(t, router, []webtest.Step{{"GET", "/links?owner=alice&viewer=bob", ``, 200, `{"links":[]}`}})
}
