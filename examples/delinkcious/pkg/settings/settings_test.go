package settings

import (
	"strings"
	"testing"
)

func read(variables map[string]string) *Reader {
	return NewReader(func(name string) string { return variables[name] })
}

func TestGood(t *testing.T) {
	r := read(map[string]string{"TEXT": "a", "LEVEL": "warn", "PORT": "81", "ADDRESS": "db:5432", "V6": "[::1]:5432", "PEER_URL": "http://link:7070/", "KEY": "0123456789abcdef"})
	for _, test := range []struct{ name, got, want string }{
		{"text", r.Text("TEXT", "b"), "a"},
		{"text's fallback", r.Text("NONE", "b"), "b"},
		{"one of", r.OneOf("LEVEL", "info", "warn"), "warn"},
		{"first of", r.OneOf("NONE", "info", "warn"), "info"},
		{"address", r.Address("ADDRESS"), "db:5432"},
		{"IPv6 address", r.Address("V6"), "[::1]:5432"},
		{"no address", r.Address("NONE"), ""},
		{"peer", r.PeerURL("PEER_URL"), "http://link:7070"},
		{"secret", string(r.Secret("KEY", 16)), "0123456789abcdef"},
		{"no secret", string(r.Secret("NONE", 16)), ""},
	} {
		if test.got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, test.got, test.want)
		}
	}
	if set, unset := r.Port("PORT", 80), r.Port("NONE", 80); set != 81 || unset != 80 {
		t.Errorf("ports are %d and %d", set, unset)
	}
	if err := r.Problems(); err != nil {
		t.Error(err)
	}
}

func TestBad(t *testing.T) {
	for _, test := range []struct {
		value string
		read  func(*Reader)
		want  string
	}{
		{"trace", func(r *Reader) { r.OneOf("X", "info", "warn") }, `X="trace": set it to one of info, warn`},
		{"0", func(r *Reader) { r.Port("X", 80) }, `X="0": set it to a port`},
		{"65536", func(r *Reader) { r.Port("X", 80) }, `X="65536": set it to a port`},
		{"tcp://10.0.0.1:80", func(r *Reader) { r.Port("X", 80) }, `X="tcp://10.0.0.1:80": set it to a port`},
		{"db", func(r *Reader) { r.Address("X") }, `X="db": set it to host:port`},
		{"db:pg", func(r *Reader) { r.Address("X") }, `X="db:pg": set it to host:port`},
		{":5432", func(r *Reader) { r.Address("X") }, `X=":5432": set it to host:port`},
		{"", func(r *Reader) { r.PeerURL("X") }, `X="": set it to the peer's URL`},
		{"link:7070", func(r *Reader) { r.PeerURL("X") }, `X="link:7070": set it to the peer's URL`},
		{"hunter2", func(r *Reader) { r.Secret("X", 16) }, `X: it has 7 bytes, and needs at least 16`},
		{"x", func(r *Reader) { r.Reject("X", "x", "refused") }, `X="x": refused`},
	} {
		r := read(map[string]string{"X": test.value})
		test.read(r)
		if err := r.Problems(); err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: got %v, want %s", test.value, err, test.want)
		}
	}
}

func TestAllProblemsTogether(t *testing.T) {
	r := read(nil)
	r.PeerURL("LINK_URL")
	r.PeerURL("USER_URL")
	if err := r.Problems(); err == nil || strings.Count(err.Error(), "\n") != 1 {
		t.Errorf("got %v, want two lines", err)
	}
}
