// Package service runs one HTTP service: settings, logging, health, graceful shutdown.
package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"example.com/delinkcious/pkg/settings"
	"example.com/delinkcious/pkg/web"
)

const (
	// drainDelay is the time between "not ready" and the closed port, in which routers notice the former.
	drainDelay = time.Second
	// shutdownTimeout is how long requests under way may still take after that.
	shutdownTimeout = 10 * time.Second
)

// Service is what a main package declares about itself.
type Service struct {
	Name    string
	Version string
	// Port is used unless PORT is set.
	Port int
	// Setup reads settings and registers routes. It must not wait for anything outside of the process.
	Setup func(context.Context, *settings.Reader, *web.Router, *slog.Logger) Backing
}

// Backing is what keeps a service's data.
type Backing struct {
	// Store names the kind of store, such as "memory"; "" for a service without one.
	Store string
	// Ready is nil, or says why the store cannot be used yet.
	Ready func() error
}

// Health is the body of /healthz and /readyz.
type Health struct {
	Service string `json:"service"`
	Version string `json:"version"`
	Store   string `json:"store,omitempty"`
	Status  string `json:"status"`
	Reason  string `json:"reason,omitempty"`
}

// Main runs a service until SIGTERM or SIGINT, and ends the process with a status.
func Main(s Service) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if err := s.run(ctx, os.Getenv, drainDelay, nil); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", s.Name, err)
		os.Exit(1)
	}
}

// run tells its address to listening, if there is one.
func (s Service) run(ctx context.Context, lookup func(string) string, drain time.Duration, listening chan<- string) error {
	reader := settings.NewReader(lookup)
	level := map[string]slog.Level{"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError}[reader.OneOf("LOG_LEVEL", "info", "debug", "warn", "error")]
	log := slog.New(slog.NewJSONHandler(os.Stdout, &slog.HandlerOptions{Level: level})).With("service", s.Name, "version", s.Version)
	port := reader.Port("PORT", s.Port)
	router := web.NewRouter(log)
	backing := s.Setup(ctx, reader, router, log)
	if err := reader.Problems(); err != nil {
		return err
	}
	var draining atomic.Bool
	s.handleHealth(router, backing, &draining)

	listener, err := net.Listen("tcp", net.JoinHostPort(lookup("HOST"), strconv.Itoa(port)))
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler:           router,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      20 * time.Second,
		IdleTimeout:       time.Minute,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	log.Info("listening", "address", listener.Addr().String(), "store", backing.Store)
	if listening != nil {
		listening <- listener.Addr().String()
	}

	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	log.Info("shutting down")
	draining.Store(true)
	time.Sleep(drain)
	deadline, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
	defer cancel()
	if err := server.Shutdown(deadline); err != nil && !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// handleHealth leaves peers out of readiness: two services that wait for each other would never start.
func (s Service) handleHealth(router *web.Router, backing Backing, draining *atomic.Bool) {
	health := Health{Service: s.Name, Version: s.Version, Store: backing.Store}
	router.Handle("GET /healthz", func(*http.Request) (web.Reply, error) {
		answer := health
		answer.Status = "ok"
		return web.Reply{Status: http.StatusOK, Body: answer}, nil
	})
	router.Handle("GET /readyz", func(*http.Request) (web.Reply, error) {
		answer := health
		answer.Status = "ready"
		if draining.Load() {
			answer.Status, answer.Reason = "not ready", "shutting down"
		} else if backing.Ready != nil {
			if err := backing.Ready(); err != nil {
				answer.Status, answer.Reason = "not ready", err.Error()
			}
		}
		if answer.Status != "ready" {
			return web.Reply{Status: http.StatusServiceUnavailable, Body: answer}, nil
		}
		return web.Reply{Status: http.StatusOK, Body: answer}, nil
	})
}
