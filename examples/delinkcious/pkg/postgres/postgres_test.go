package postgres

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"example.com/delinkcious/pkg/settings"
)

func open(ctx context.Context, variables map[string]string, log *slog.Logger) (*Database, error) {
	env := settings.NewReader(func(name string) string { return variables[name] })
	return Open(ctx, env, "DEMO_DB", "SELECT 1", log), env.Problems()
}

func TestWithoutAddressMemoryIsUsedAndSaidSo(t *testing.T) {
	var lines strings.Builder
	db, err := open(t.Context(), nil, slog.New(slog.NewTextHandler(&lines, nil)))
	if db != nil || err != nil || !strings.Contains(lines.String(), "DEMO_DB_ADDRESS is not set") {
		t.Errorf("got %v, %v, %s", db, err, lines.String())
	}
}

func TestBadSettings(t *testing.T) {
	for _, test := range []struct{ name, value string }{
		{"DEMO_DB_ADDRESS", "db"},
		{"DEMO_DB_SSLMODE", "perhaps"},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		variables := map[string]string{"DEMO_DB_ADDRESS": "127.0.0.1:1"}
		variables[test.name] = test.value
		if _, err := open(ctx, variables, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), test.name) {
			t.Errorf("%s=%s: got %v", test.name, test.value, err)
		}
		cancel()
	}
}

func TestDoesNotWaitForTheDatabase(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	start := time.Now()
	db, err := open(ctx, map[string]string{"DEMO_DB_ADDRESS": "127.0.0.1:1", "DEMO_DB_PASSWORD": "hunter2"}, slog.New(slog.DiscardHandler))
	if err != nil || time.Since(start) > time.Second {
		t.Fatalf("%v after %s", err, time.Since(start))
	}
	defer db.Close()
	for time.Since(start) < 5*time.Second {
		if err := db.Ready(); err != nil && strings.Contains(err.Error(), "connection refused") {
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the password is in %v", err)
			}
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("ready: %v", db.Ready())
}
