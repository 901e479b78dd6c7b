package peer

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"example.com/delinkcious/pkg/web"
	"example.com/delinkcious/pkg/webtest"
)

func TestAnswers(t *testing.T) {
	for _, test := range []struct {
		name       string
		status     int
		body       string
		wantStatus int // 0: success
		want       string
	}{
		{"success", 200, `{"name":"a"}`, 0, "a"},
		{"refusal", 404, `{"error":"there is no user a"}`, 404, "there is no user a"},
		{"refusal in other words", 403, `<html>`, 403, "Forbidden"},
		{"failure", 500, `{"error":"internal error"}`, 502, "the user service failed"},
		{"redirect", 307, ``, 502, "the user service failed"},
		{"not JSON", 200, `hello`, 502, "the user service failed"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var calls atomic.Int32
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				calls.Add(1)
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(test.status)
				_, _ = io.WriteString(w, test.body)
			}))
			defer server.Close()
			var out struct{ Name string }
			err := New("user", server.URL, time.Second).Call(t.Context(), "GET", "/users/a", nil, &out)
			if calls.Load() != 1 {
				t.Errorf("%d calls, want 1", calls.Load())
			}
			if test.wantStatus == 0 {
				if err != nil || out.Name != test.want {
					t.Errorf("got %q, %v", out.Name, err)
				}
				return
			}
			failure, ok := errors.AsType[*web.Error](err)
			if !ok || failure.Status != test.wantStatus || failure.Message != test.want {
				t.Errorf("got %v, want %d %s", err, test.wantStatus, test.want)
			}
		})
	}
}

func TestSends(t *testing.T) {
	var got string
	inner := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = r.Method + " " + r.URL.String() + " " + string(body) + " " + r.Header.Get("Content-Type") + " " + r.Header.Get("X-Request-Id")
	}))
	defer inner.Close()
	outer := webtest.NewRouter()
	outer.Handle("GET /", func(r *http.Request) (web.Reply, error) {
		in := map[string]string{"name": "a"}
		return web.Reply{Status: 204}, New("user", inner.URL, time.Second).Call(r.Context(), "POST", "/users?x=1", in, nil)
	})
	webtest.Walk(t, outer, []webtest.Step{{"GET", "/", "", 204, ""}}, "X-Request-Id", "r1")
	if want := `POST /users?x=1 {"name":"a"} application/json r1`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestRetriesOnceUntilThePeerIsUp(t *testing.T) {
	reserved, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := reserved.Addr().String()
	reserved.Close()
	client := New("user", "http://"+address, time.Second)

	err = client.Call(t.Context(), "POST", "/users", map[string]string{}, nil)
	if failure, ok := errors.AsType[*web.Error](err); !ok || failure.Status != 503 || !strings.Contains(failure.Message, "user service is not reachable") {
		t.Fatalf("without a peer: %v", err)
	}

	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) })}
	time.AfterFunc(retryPause/3, func() {
		if listener, err := net.Listen("tcp", address); err == nil {
			_ = server.Serve(listener)
		}
	})
	defer server.Close()
	if err := client.Call(t.Context(), "POST", "/users", map[string]string{}, nil); err != nil {
		t.Errorf("with a peer that comes up before the retry: %v", err)
	}
}

func TestDoesNotRetryWhatMayHaveArrived(t *testing.T) {
	var calls atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		calls.Add(1)
		panic(http.ErrAbortHandler)
	}))
	defer server.Close()
	err := New("user", server.URL, time.Second).Call(t.Context(), "POST", "/users", map[string]string{}, nil)
	if err == nil || calls.Load() != 1 {
		t.Errorf("%d calls, %v", calls.Load(), err)
	}
}

func TestTimeouts(t *testing.T) {
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer server.Close()
	defer close(release)
	cancelled, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	for name, call := range map[string]func() error{
		"own": func() error {
			return New("user", server.URL, 20*time.Millisecond).Call(t.Context(), "GET", "/", nil, nil)
		},
		"caller's": func() error { return New("user", server.URL, time.Minute).Call(cancelled, "GET", "/", nil, nil) },
	} {
		if failure, ok := errors.AsType[*web.Error](call()); !ok || failure.Status != 503 {
			t.Errorf("%s timeout: %v", name, failure)
		}
	}
}
