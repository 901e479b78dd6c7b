// Package webtest sends requests to handlers in tests.
package webtest

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"example.com/delinkcious/pkg/web"
)

// NewRouter makes a router that logs nothing.
func NewRouter() *web.Router { return web.NewRouter(slog.New(slog.DiscardHandler)) }

// Do sends one request; header holds name, value, name, value.
func Do(t *testing.T, handler http.Handler, method, target, body string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	request := httptest.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	for i := 0; i+1 < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, request)
	return recorder
}

// Step is one request and what its answer must be; "" in Want accepts every body, else the body must contain it.
type Step = struct {
	Method, Target, Body string
	Status               int
	Want                 string
}

// Walk sends requests one after the other, each building on those before it.
func Walk(t *testing.T, handler http.Handler, steps []Step, header ...string) {
	t.Helper()
	for _, step := range steps {
		answer := Do(t, handler, step.Method, step.Target, step.Body, header...)
		if answer.Code != step.Status || !strings.Contains(answer.Body.String(), step.Want) {
			t.Errorf("%s %s %s\n got %d %s\nwant %d %s", step.Method, step.Target, step.Body, answer.Code, answer.Body, step.Status, step.Want)
		}
	}
}
