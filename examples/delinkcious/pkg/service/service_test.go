package service

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"example.com/delinkcious/pkg/settings"
	"example.com/delinkcious/pkg/web"
)

func loopback(variables map[string]string) func(string) string {
	return func(name string) string {
		if name == "HOST" {
			return "127.0.0.1"
		}
		return variables[name]
	}
}

func get(t *testing.T, url string) (status int, health Health) {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(&health); err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, health
}

func TestLifeOfAService(t *testing.T) {
	var ready atomic.Bool
	started := make(chan struct{})
	s := Service{Name: "demo", Version: "1.2.3", Port: 0, Setup: func(_ context.Context, _ *settings.Reader, router *web.Router, _ *slog.Logger) Backing {
		router.Handle("GET /slow", func(*http.Request) (web.Reply, error) {
			close(started)
			time.Sleep(100 * time.Millisecond)
			return web.Reply{Status: http.StatusOK, Body: "done"}, nil
		})
		return Backing{Store: "postgres", Ready: func() error {
			if ready.Load() {
				return nil
			}
			return errors.New("the database is not set up yet")
		}}
	}}
	ctx, stop := context.WithCancel(t.Context())
	listening, ended := make(chan string, 1), make(chan error, 1)
	go func() { ended <- s.run(ctx, loopback(nil), 50*time.Millisecond, listening) }()
	base := "http://" + <-listening

	for _, test := range []struct {
		path   string
		ready  bool
		status int
		want   Health
	}{
		{"/healthz", false, 200, Health{"demo", "1.2.3", "postgres", "ok", ""}},
		{"/readyz", false, 503, Health{"demo", "1.2.3", "postgres", "not ready", "the database is not set up yet"}},
		{"/readyz", true, 200, Health{"demo", "1.2.3", "postgres", "ready", ""}},
	} {
		ready.Store(test.ready)
		if status, health := get(t, base+test.path); status != test.status || health != test.want {
			t.Errorf("%s: got %d %+v, want %d %+v", test.path, status, health, test.status, test.want)
		}
	}

	slow := make(chan string, 1)
	go func() {
		response, err := http.Get(base + "/slow")
		if err != nil {
			slow <- err.Error()
			return
		}
		defer response.Body.Close()
		body, _ := io.ReadAll(response.Body)
		slow <- string(body)
	}()
	<-started
	stop()
	for {
		status, health := get(t, base+"/readyz")
		if status == http.StatusServiceUnavailable && health.Reason == "shutting down" {
			break
		}
	}
	if err := <-ended; err != nil {
		t.Errorf("ended with %v", err)
	}
	if got := <-slow; got != "\"done\"\n" {
		t.Errorf("the request under way got %s", got)
	}
}

func TestBadSettingsEndTheService(t *testing.T) {
	s := Service{Name: "demo", Port: 0, Setup: func(_ context.Context, env *settings.Reader, _ *web.Router, _ *slog.Logger) Backing {
		env.PeerURL("LINK_URL")
		return Backing{}
	}}
	err := s.run(t.Context(), loopback(map[string]string{"LOG_LEVEL": "loud", "PORT": "http"}), 0, nil)
	for _, want := range []string{"LOG_LEVEL", "PORT", "LINK_URL"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s in it", err, want)
		}
	}
}

func TestTakenPort(t *testing.T) {
	nothing := func(context.Context, *settings.Reader, *web.Router, *slog.Logger) Backing { return Backing{} }
	listening := make(chan string, 1)
	go func() { _ = Service{Name: "first", Setup: nothing}.run(t.Context(), loopback(nil), 0, listening) }()
	_, port, _ := strings.Cut(<-listening, ":")
	err := Service{Name: "second", Setup: nothing}.run(t.Context(), loopback(map[string]string{"PORT": port}), 0, nil)
	if err == nil || !strings.Contains(err.Error(), "address already in use") {
		t.Errorf("got %v", err)
	}
}
