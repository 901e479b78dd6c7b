// Package postgres opens a service's database without waiting for it.
package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/lib/pq"

	"example.com/delinkcious/pkg/settings"
)

var errStarting = errors.New("the database is not set up yet")

// Database is a pool of connections and the state of its schema.
type Database struct {
	*sql.DB
	failure atomic.Pointer[error]
}

// Open reads PREFIX_ADDRESS, _PASSWORD, _USER, _NAME and _SSLMODE. Without an address it returns nil: memory is used instead.
// It returns at once, and applies the schema in the background until it succeeds or ctx ends.
// The schema's statements must be repeatable (IF NOT EXISTS).
func Open(ctx context.Context, env *settings.Reader, prefix, schema string, log *slog.Logger) *Database {
	address := env.Address(prefix + "_ADDRESS")
	if address == "" {
		log.Warn(prefix + "_ADDRESS is not set: data is kept in memory and lost when the process ends")
		return nil
	}
	host, portText, _ := net.SplitHostPort(address)
	port, _ := strconv.ParseUint(portText, 10, 16)
	connector, err := pq.NewConnectorConfig(pq.Config{
		Host:            host,
		Port:            uint16(port),
		User:            env.Text(prefix+"_USER", "postgres"),
		Password:        string(env.Secret(prefix+"_PASSWORD", 1)),
		Database:        env.Text(prefix+"_NAME", "postgres"),
		SSLMode:         pq.SSLMode(env.OneOf(prefix+"_SSLMODE", "prefer", "disable", "require", "verify-ca", "verify-full")),
		ConnectTimeout:  5 * time.Second,
		ApplicationName: "delinkcious",
	})
	if err != nil {
		env.Reject(prefix+"_ADDRESS", address, err.Error())
		return nil
	}
	db := &Database{DB: sql.OpenDB(connector)}
	db.SetMaxOpenConns(10)
	db.SetConnMaxIdleTime(time.Minute)
	db.failure.Store(&errStarting)
	go db.setUp(ctx, schema, log)
	return db
}

func (db *Database) setUp(ctx context.Context, schema string, log *slog.Logger) {
	for pause := 250 * time.Millisecond; ; pause = min(2*pause, 5*time.Second) {
		_, err := db.ExecContext(ctx, schema)
		if err == nil {
			db.failure.Store(nil)
			log.Info("database is ready")
			return
		}
		waiting := fmt.Errorf("%w: %w", errStarting, err)
		db.failure.Store(&waiting)
		log.Warn("database is not ready, will try again", "error", err.Error(), "pause", pause.String())
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

// Ready is nil once the schema is there.
func (db *Database) Ready() error {
	if failure := db.failure.Load(); failure != nil {
		return *failure
	}
	return nil
}
