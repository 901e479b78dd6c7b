// Package web is the HTTP surface that all services share: JSON in, JSON out, errors with a status.
package web

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
)

// Error is an answer other than success. Cause is logged and never sent to the caller.
type Error struct {
	Status  int
	Message string
	Cause   error
}

func (e *Error) Error() string {
	if e.Cause != nil {
		return e.Message + ": " + e.Cause.Error()
	}
	return e.Message
}

func (e *Error) Unwrap() error { return e.Cause }

// Fail makes an error the caller may read.
func Fail(status int, format string, args ...any) *Error {
	return &Error{Status: status, Message: fmt.Sprintf(format, args...)}
}

// describe decides what the caller sees of an error: its own message, or only that something is wrong.
func describe(err error) (status int, message string) {
	if known, ok := errors.AsType[*Error](err); ok {
		return known.Status, known.Message
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return http.StatusServiceUnavailable, "a dependency is not reachable, try again later"
	}
	return http.StatusInternalServerError, "internal error"
}

func logFailure(log *slog.Logger, r *http.Request, status int, err error) {
	// A caller who has gone away is no failure.
	if status >= http.StatusInternalServerError && r.Context().Err() == nil {
		log.ErrorContext(r.Context(), "request failed", "path", r.URL.Path, "error", err.Error(), "request", RequestID(r.Context()))
	}
}
