package web_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"

	"example.com/delinkcious/pkg/web"
	"example.com/delinkcious/pkg/webtest"
)

func TestRouter(t *testing.T) {
	router := webtest.NewRouter()
	router.Handle("POST /echo", func(r *http.Request) (web.Reply, error) {
		body, err := web.ReadJSON[struct {
			Name string `json:"name"`
		}](r)
		return web.Reply{Status: http.StatusCreated, Body: body}, err
	})
	router.Handle("GET /items/{id}", func(r *http.Request) (web.Reply, error) {
		limit, err := web.Limit(r)
		return web.Reply{Status: http.StatusOK, Body: map[string]any{"id": r.PathValue("id"), "limit": limit}}, err
	})
	router.Handle("DELETE /items/{id}", func(*http.Request) (web.Reply, error) { return web.Reply{Status: http.StatusNoContent}, nil })
	router.Handle("GET /broken", func(*http.Request) (web.Reply, error) { return web.Reply{}, errors.New("password is hunter2") })
	router.Handle("GET /unreachable", func(*http.Request) (web.Reply, error) {
		return web.Reply{}, &net.OpError{Op: "dial", Err: errors.New("connection refused")}
	})
	router.Handle("GET /unencodable", func(*http.Request) (web.Reply, error) {
		return web.Reply{Status: http.StatusOK, Body: func() {}}, nil
	})
	webtest.Walk(t, router, []webtest.Step{
		{"POST", "/echo", `{"name":"a"}`, 201, `{"name":"a"}`},
		{"POST", "/echo", `{"name":"a","admin":true}`, 400, `unknown field`},
		{"POST", "/echo", `{"name":1}`, 400, `not the JSON that is expected`},
		{"POST", "/echo", ``, 400, `not the JSON that is expected`},
		{"POST", "/echo", `{} {}`, 400, `data after its JSON value`},
		{"POST", "/echo", `{"name":"` + strings.Repeat("a", 70000) + `"}`, 413, `larger than 65536 bytes`},
		{"GET", "/items/7", ``, 200, `{"id":"7","limit":20}`},
		{"GET", "/items/7?limit=100", ``, 200, `"limit":100`},
		{"GET", "/items/7?limit=101", ``, 400, `limit \"101\"`},
		{"GET", "/items/a%2Fb", ``, 200, `"id":"a/b"`},
		{"GET", "/items/%2e%2e", ``, 400, `not allowed`},
		{"GET", "/items/%00", ``, 400, `not allowed`},
		{"GET", "/items/7?limit=%ff", ``, 400, `not allowed`},
		{"DELETE", "/items/7", ``, 204, ``},
		{"PUT", "/items/7", ``, 405, `{"error":"nothing is served at PUT /items/7"}`},
		{"GET", "/nowhere", ``, 404, `{"error":"nothing is served at GET /nowhere"}`},
		{"GET", "/broken", ``, 500, `{"error":"internal error"}`},
		{"GET", "/unreachable", ``, 503, `try again later`},
		{"GET", "/unencodable", ``, 500, `internal error`},
	})

	refused := webtest.Do(t, router, "PUT", "/items/7", "")
	if got := refused.Header().Get("Content-Type"); got != "application/json" {
		t.Errorf("content type of a refusal is %q", got)
	}
	if got := refused.Header().Get("Allow"); got != "DELETE, GET, HEAD" {
		t.Errorf("Allow is %q", got)
	}
}

func TestRequestID(t *testing.T) {
	router := webtest.NewRouter()
	router.Handle("GET /id", func(r *http.Request) (web.Reply, error) {
		return web.Reply{Status: http.StatusOK, Body: web.RequestID(r.Context())}, nil
	})
	for _, test := range []struct {
		sent string
		kept bool
	}{{"abc-1", true}, {"", false}, {"two words", false}, {strings.Repeat("a", 65), false}} {
		answer := webtest.Do(t, router, "GET", "/id", "", "X-Request-Id", test.sent)
		id := answer.Header().Get("X-Request-Id")
		if (id == test.sent) != test.kept || id == "" || answer.Body.String() != `"`+id+`"`+"\n" {
			t.Errorf("sent %q: header %q, body %s", test.sent, id, answer.Body)
		}
	}
	if id := web.RequestID(context.Background()); id != "" {
		t.Errorf("outside of a request the id is %q", id)
	}
}

func TestLog(t *testing.T) {
	var lines strings.Builder
	router := web.NewRouter(slog.New(slog.NewTextHandler(&lines, nil)))
	router.Handle("GET /broken", func(*http.Request) (web.Reply, error) {
		return web.Reply{}, &web.Error{Status: http.StatusBadGateway, Message: "the link service failed", Cause: errors.New("EOF")}
	})
	router.Handle("GET /healthz", func(*http.Request) (web.Reply, error) { return web.Reply{Status: http.StatusOK}, nil })
	webtest.Do(t, router, "GET", "/healthz", "")
	webtest.Do(t, router, "GET", "/broken?token=secret", "", "X-Request-Id", "r1")
	for _, want := range []string{`error="the link service failed: EOF"`, "status=502", "request=r1"} {
		if !strings.Contains(lines.String(), want) {
			t.Errorf("log lacks %s:\n%s", want, lines.String())
		}
	}
	for _, unwanted := range []string{"healthz", "secret"} {
		if strings.Contains(lines.String(), unwanted) {
			t.Errorf("log has %s:\n%s", unwanted, lines.String())
		}
	}
}
