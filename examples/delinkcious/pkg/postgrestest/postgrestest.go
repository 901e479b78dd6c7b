//go:build integration

// Package postgrestest gives a test a database of its own on a real server, TEST_POSTGRES_ADDRESS (user postgres).
package postgrestest

import (
	"context"
	"crypto/rand"
	"database/sql"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"example.com/delinkcious/pkg/postgres"
	"example.com/delinkcious/pkg/settings"
)

// Open applies a schema to a new database, which is dropped at the end of the test.
func Open(t *testing.T, schema string) *sql.DB {
	t.Helper()
	server := open(t, "postgres", "SELECT 1")
	name := "test_" + strings.ToLower(rand.Text())
	if _, err := server.Exec("CREATE DATABASE " + name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := server.Exec("DROP DATABASE " + name + " WITH (FORCE)"); err != nil {
			t.Error(err)
		}
	})
	// Twice: a restarted service applies its schema again.
	open(t, name, schema)
	return open(t, name, schema)
}

func open(t *testing.T, name, schema string) *sql.DB {
	t.Helper()
	variables := map[string]string{
		"DB_ADDRESS":  os.Getenv("TEST_POSTGRES_ADDRESS"),
		"DB_PASSWORD": os.Getenv("TEST_POSTGRES_PASSWORD"),
		"DB_NAME":     name,
	}
	if variables["DB_ADDRESS"] == "" {
		t.Fatal("set TEST_POSTGRES_ADDRESS to the host:port of a Postgres server")
	}
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	env := settings.NewReader(func(name string) string { return variables[name] })
	db := postgres.Open(ctx, env, "DB", schema, slog.New(slog.DiscardHandler))
	if err := env.Problems(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	for deadline := time.Now().Add(10 * time.Second); db.Ready() != nil; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal(db.Ready())
		}
	}
	return db.DB
}
