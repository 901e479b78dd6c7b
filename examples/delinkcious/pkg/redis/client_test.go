package redis

import (
	"bufio"
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"
)

// startServer answers one connection per script; a script lists replies, and the connection closes at its end.
func startServer(t *testing.T, scripts ...[]string) (address string, commands <-chan string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	received := make(chan string, 16)
	go func() {
		for _, script := range scripts {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			reader := bufio.NewReader(conn)
			for _, reply := range script {
				received <- readCommand(reader)
				_, _ = io.WriteString(conn, reply)
			}
			conn.Close()
		}
	}()
	return listener.Addr().String(), received
}

func readCommand(r *bufio.Reader) string {
	header, _ := r.ReadString('\n')
	count, _ := strconv.Atoi(strings.Trim(header, "*\r\n"))
	var words []string
	for range count {
		_, _ = r.ReadString('\n')
		word, _ := r.ReadString('\n')
		words = append(words, strings.TrimSpace(word))
	}
	return strings.Join(words, " ")
}

func TestReplies(t *testing.T) {
	for _, test := range []struct{ reply, value, failure string }{
		{"$5\r\nhello\r\n", "hello", ""},
		{"$0\r\n\r\n", "", ""},
		{"$6\r\na\r\nb\r\n\r\n", "a\r\nb\r\n", ""},
		{"+OK\r\n", "OK", ""},
		{":12\r\n", "12", ""},
		{"$-1\r\n", "", "no such key"},
		{"-WRONGTYPE of value\r\n", "", "WRONGTYPE of value"},
		{"$99999999\r\n", "", "bulk reply of size"},
		{"*1\r\n", "", "unexpected reply"},
		{"\r\n", "", "empty reply"},
		{"$5\r\nhel", "", "EOF"},
	} {
		address, _ := startServer(t, []string{test.reply})
		value, err := New(address, "", time.Second).Get(t.Context(), "k")
		if test.failure == "" {
			if err != nil || value != test.value {
				t.Errorf("%q: got %q, %v", test.reply, value, err)
			}
		} else if err == nil || !strings.Contains(err.Error(), test.failure) {
			t.Errorf("%q: got %v, want %s", test.reply, err, test.failure)
		}
	}
}

func TestSetAndPassword(t *testing.T) {
	address, commands := startServer(t, []string{"+OK\r\n", "+OK\r\n"})
	if err := New(address, "pw", time.Second).Set(t.Context(), "k", "v", 1500*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	if auth, set := <-commands, <-commands; auth != "AUTH pw" || set != "SET k v PX 1500" {
		t.Errorf("got %q, %q", auth, set)
	}
}

func TestWrongPassword(t *testing.T) {
	address, _ := startServer(t, []string{"-WRONGPASS invalid\r\n"})
	_, err := New(address, "pw", time.Second).Get(t.Context(), "k")
	if _, refused := errors.AsType[ReplyError](err); !refused {
		t.Errorf("got %v", err)
	}
}

func TestReconnectsAfterTheServerClosed(t *testing.T) {
	address, _ := startServer(t, []string{"$1\r\na\r\n"}, []string{"$1\r\nb\r\n"})
	client := New(address, "", time.Second)
	for _, want := range []string{"a", "b"} {
		if got, err := client.Get(t.Context(), "k"); err != nil || got != want {
			t.Errorf("got %q, %v, want %q", got, err, want)
		}
	}
}

func TestUnreachable(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	if _, err := New(listener.Addr().String(), "", time.Second).Get(t.Context(), "k"); err == nil {
		t.Error("no error")
	}
}
