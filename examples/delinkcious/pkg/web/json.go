package web

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
)

const maxBodyBytes = 64 << 10

// ReadJSON decodes a request's body strictly: unknown fields and trailing data are the caller's errors.
func ReadJSON[T any](r *http.Request) (T, error) {
	var value T
	decoder := json.NewDecoder(http.MaxBytesReader(nil, r.Body, maxBodyBytes))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&value); err != nil {
		if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
			return value, Fail(http.StatusRequestEntityTooLarge, "the body is larger than %d bytes", maxBodyBytes)
		}
		return value, Fail(http.StatusBadRequest, "the body is not the JSON that is expected: %v", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return value, Fail(http.StatusBadRequest, "the body has data after its JSON value")
	}
	return value, nil
}

// WriteJSON sends a value with a status; nil sends no body.
func WriteJSON(w http.ResponseWriter, status int, value any) {
	if value == nil {
		w.WriteHeader(status)
		return
	}
	body, err := json.Marshal(value)
	if err != nil {
		status, body = http.StatusInternalServerError, []byte(`{"error":"internal error"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	// A failed write means that the caller is gone: there is nobody left to tell.
	_, _ = w.Write(append(body, '\n'))
}

// Limit reads ?limit=, from 1 to 100, 20 when absent.
func Limit(r *http.Request) (int, error) {
	text := r.URL.Query().Get("limit")
	if text == "" {
		return 20, nil
	}
	limit, err := strconv.Atoi(text)
	if err != nil || limit < 1 || limit > 100 {
		return 0, Fail(http.StatusBadRequest, "limit %q is not a number from 1 to 100", text)
	}
	return limit, nil
}
