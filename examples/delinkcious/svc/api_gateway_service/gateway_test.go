package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"example.com/delinkcious/pkg/peer"
	"example.com/delinkcious/pkg/service"
	"example.com/delinkcious/pkg/web"
	"example.com/delinkcious/pkg/webtest"
)

// newGateway stands before one server that plays all peers: it echoes what it is asked, and knows alice and bob.
func newGateway(t *testing.T) (router *web.Router, token string) {
	t.Helper()
	peers := webtest.NewRouter()
	peers.Handle("POST /sessions", func(r *http.Request) (web.Reply, error) {
		form, err := web.ReadJSON[struct{ Name, Password string }](r)
		if err == nil && form.Password != "correct horse" {
			err = web.Fail(http.StatusUnauthorized, "the name or the password is wrong")
		}
		return web.Reply{Status: 200, Body: map[string]string{"name": form.Name}}, err
	})
	peers.Handle("GET /users/{name}", func(r *http.Request) (web.Reply, error) {
		if name := r.PathValue("name"); name != "alice" && name != "bob" {
			return web.Reply{}, web.Fail(http.StatusNotFound, "there is no user %s", name)
		}
		return web.Reply{Status: 200, Body: map[string]string{"asked": "GET " + r.URL.Path}}, nil
	})
	peers.Handle("/", func(r *http.Request) (web.Reply, error) {
		var body json.RawMessage
		if r.Method == http.MethodPost {
			read, err := web.ReadJSON[json.RawMessage](r)
			if err != nil {
				return web.Reply{}, err
			}
			body = read
		}
		return web.Reply{Status: 200, Body: map[string]any{"asked": r.Method + " " + r.URL.RequestURI(), "body": body}}, nil
	})
	server := httptest.NewServer(peers)
	t.Cleanup(server.Close)
	client := func(name string) *peer.Client { return peer.New(name, server.URL, time.Second) }
	tokens := signer{key: []byte("key"), now: time.Now}
	router = webtest.NewRouter()
	handle(router, gateway{client("link"), client("user"), client("social-graph"), client("news"), tokens})
	token, _, err := tokens.issue("alice")
	if err != nil {
		t.Fatal(err)
	}
	return router, token
}

func TestWithoutToken(t *testing.T) {
	router, _ := newGateway(t)
	webtest.Walk(t, router, []webtest.Step{
		{"POST", "/v1/users", `{"name":"alice"}`, 201, `{"asked":"POST /users","body":{"name":"alice"}}`},
		{"POST", "/v1/users", `alice`, 400, `not the JSON that is expected`},
		{"POST", "/v1/login", `{"name":"alice","password":"correct horse"}`, 200, `"token":"`},
		{"POST", "/v1/login", `{"name":"alice","password":"wrong horse"}`, 401, `the name or the password is wrong`},
		{"GET", "/v1/me", ``, 401, `log in at POST /v1/login`},
		{"GET", "/v1/users/bob", ``, 401, ``},
		{"GET", "/v1/users/bob/links", ``, 401, ``},
		{"GET", "/v1/links", ``, 401, ``},
		{"POST", "/v1/links", `{}`, 401, ``},
		{"DELETE", "/v1/links/1", ``, 401, ``},
		{"GET", "/v1/following", ``, 401, ``},
		{"PUT", "/v1/following/bob", ``, 401, ``},
		{"DELETE", "/v1/following/bob", ``, 401, ``},
		{"GET", "/v1/followers", ``, 401, ``},
		{"GET", "/v1/news", ``, 401, ``},
		{"GET", "/sessions", ``, 404, ``},
	})
}

func TestWithToken(t *testing.T) {
	router, token := newGateway(t)
	webtest.Walk(t, router, []webtest.Step{
		{"GET", "/v1/me", ``, 200, `"asked":"GET /users/alice"`},
		{"GET", "/v1/users/bob", ``, 200, `"asked":"GET /users/bob"`},
		{"GET", "/v1/users/nobody", ``, 404, `there is no user nobody`},
		{"GET", "/v1/links", ``, 200, `"asked":"GET /links?owner=alice\u0026viewer=alice"`},
		{"GET", "/v1/links?tag=go&limit=3&owner=bob&viewer=bob", ``, 200, `"asked":"GET /links?limit=3\u0026owner=alice\u0026tag=go\u0026viewer=alice"`},
		{"GET", "/v1/users/bob/links", ``, 200, `"asked":"GET /links?owner=bob\u0026viewer=alice"`},
		{"POST", "/v1/links", `{"url":"https://go.dev"}`, 201, `{"asked":"POST /users/alice/links","body":{"url":"https://go.dev"}}`},
		{"DELETE", "/v1/links/1", ``, 204, ``},
		{"PUT", "/v1/following/bob", ``, 204, ``},
		{"PUT", "/v1/following/nobody", ``, 404, `there is no user nobody`},
		{"PUT", "/v1/following/bob%2Ffollowing%2Fcarol", ``, 404, `there is no user bob/following/carol`},
		{"DELETE", "/v1/following/bob", ``, 204, ``},
		{"GET", "/v1/following", ``, 200, `"asked":"GET /users/alice/following"`},
		{"GET", "/v1/followers", ``, 200, `"asked":"GET /users/alice/followers"`},
		{"GET", "/v1/news", ``, 200, `"asked":"GET /users/alice/news"`},
	}, "Authorization", "Bearer "+token)
}

func TestOverview(t *testing.T) {
	health := func(status string, code int) http.Handler {
		peers := webtest.NewRouter()
		answer := func(code int) web.Handler {
			return func(*http.Request) (web.Reply, error) {
				return web.Reply{Status: code, Body: service.Health{Service: "s", Version: "1.2.3", Store: "memory", Status: status, Reason: "10.0.0.1 refused"}}, nil
			}
		}
		peers.Handle("GET /healthz", answer(200))
		peers.Handle("GET /readyz", answer(code))
		return peers
	}
	ready, waiting := httptest.NewServer(health("ok", 200)), httptest.NewServer(health("ok", 503))
	defer ready.Close()
	defer waiting.Close()
	gone := httptest.NewServer(nil)
	gone.Close()
	router := webtest.NewRouter()
	client := func(url string) *peer.Client { return peer.New("s", url, time.Second) }
	handle(router, gateway{links: client(ready.URL), users: client(gone.URL), graph: client(waiting.URL), news: client(ready.URL)})

	answer := webtest.Do(t, router, "GET", "/", "")
	var page struct {
		Services []service.Health `json:"services"`
	}
	if err := json.Unmarshal(answer.Body.Bytes(), &page); err != nil || answer.Code != 200 || len(page.Services) != 5 {
		t.Fatalf("%d %s, %v", answer.Code, answer.Body, err)
	}
	for i, want := range []service.Health{
		{Service: "api-gateway", Version: version, Status: "ready"},
		{Service: "link", Version: "1.2.3", Store: "memory", Status: "ready"},
		{Service: "news", Version: "1.2.3", Store: "memory", Status: "ready"},
		{Service: "social-graph", Version: "1.2.3", Store: "memory", Status: "not ready"},
		{Service: "user", Status: "unreachable"},
	} {
		if page.Services[i] != want {
			t.Errorf("got %+v, want %+v", page.Services[i], want)
		}
	}
	if strings.Contains(answer.Body.String(), "10.0.0.1") {
		t.Errorf("a reason is shown: %s", answer.Body)
	}
}
