// Package settings reads a service's environment once, at its start, and reports all problems together.
package settings

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
)

// Reader looks variables up and collects what is wrong with them. An empty variable counts as unset.
type Reader struct {
	lookup   func(string) string
	problems []error
}

// NewReader reads through lookup, os.Getenv in a real service.
func NewReader(lookup func(string) string) *Reader {
	return &Reader{lookup: lookup}
}

func (r *Reader) complain(format string, args ...any) {
	r.problems = append(r.problems, fmt.Errorf(format, args...))
}

// Reject adds a problem that only the value's user can find.
func (r *Reader) Reject(name, value, reason string) { r.complain("%s=%q: %s", name, value, reason) }

// Problems is nil, or all that is wrong with what was read so far.
func (r *Reader) Problems() error { return errors.Join(r.problems...) }

// Text is the variable's value, or the fallback.
func (r *Reader) Text(name, fallback string) string {
	if value := r.lookup(name); value != "" {
		return value
	}
	return fallback
}

// OneOf is like Text for a closed set of values, of which the first is the fallback.
func (r *Reader) OneOf(name string, values ...string) string {
	value := r.Text(name, values[0])
	for _, allowed := range values {
		if value == allowed {
			return value
		}
	}
	r.complain("%s=%q: set it to one of %s", name, value, strings.Join(values, ", "))
	return values[0]
}

// Port is a port number, or the fallback.
func (r *Reader) Port(name string, fallback int) int {
	value := r.lookup(name)
	if value == "" {
		return fallback
	}
	port, err := strconv.ParseUint(value, 10, 16)
	if err != nil || port == 0 {
		r.complain("%s=%q: set it to a port from 1 to 65535", name, value)
		return fallback
	}
	return int(port)
}

// Address is a host:port pair, "" when unset.
func (r *Reader) Address(name string) string {
	value := r.lookup(name)
	if value == "" {
		return ""
	}
	host, port, err := net.SplitHostPort(value)
	number, portErr := strconv.ParseUint(port, 10, 16)
	if err != nil || portErr != nil || host == "" || number == 0 {
		r.complain("%s=%q: set it to host:port", name, value)
		return ""
	}
	return value
}

// PeerURL is the base URL of another service, without a slash at its end. It is required.
func (r *Reader) PeerURL(name string) string {
	value := r.lookup(name)
	parsed, err := url.Parse(value)
	if err != nil || parsed.Host == "" || (parsed.Scheme != "http" && parsed.Scheme != "https") {
		r.complain("%s=%q: set it to the peer's URL, such as http://link:7070", name, value)
		return ""
	}
	return strings.TrimRight(value, "/")
}

// Secret is a value of at least minBytes, nil when unset. Its value never appears in a problem.
func (r *Reader) Secret(name string, minBytes int) []byte {
	value := r.lookup(name)
	if value == "" {
		return nil
	}
	if len(value) < minBytes {
		r.complain("%s: it has %d bytes, and needs at least %d", name, len(value), minBytes)
		return nil
	}
	return []byte(value)
}
