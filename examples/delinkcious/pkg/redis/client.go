// Package redis is a client for the few Redis commands that the services use, over one connection.
package redis

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"
)

const maxBulkBytes = 16 << 20

// ErrNil is the answer for a key that is not there.
var ErrNil = errors.New("redis: no such key")

// ReplyError is what the server refused; the connection is still good.
type ReplyError string

func (e ReplyError) Error() string { return "redis: " + string(e) }

// Client sends one command at a time, and connects when it first needs to, and again after a failure.
type Client struct {
	address  string
	password string
	timeout  time.Duration

	mutex  sync.Mutex
	conn   net.Conn
	reader *bufio.Reader
}

// New makes a client of the server at host:port; timeout bounds each command. An empty password means none.
func New(address, password string, timeout time.Duration) *Client {
	return &Client{address: address, password: password, timeout: timeout}
}

// Get is the string at a key, or ErrNil.
func (c *Client) Get(ctx context.Context, key string) (string, error) {
	return c.do(ctx, "GET", key)
}

// Set stores a string that expires.
func (c *Client) Set(ctx context.Context, key, value string, lifetime time.Duration) error {
	_, err := c.do(ctx, "SET", key, value, "PX", strconv.FormatInt(lifetime.Milliseconds(), 10))
	return err
}

func (c *Client) do(ctx context.Context, args ...string) (string, error) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	deadline := time.Now().Add(c.timeout)
	if own, ok := ctx.Deadline(); ok && own.Before(deadline) {
		deadline = own
	}
	reused := c.conn != nil
	reply, err := c.attempt(ctx, deadline, args)
	if err != nil && reused && c.conn == nil && time.Now().Before(deadline) {
		// An idle connection that the server has closed shows itself only now; GET and SET may be repeated.
		reply, err = c.attempt(ctx, deadline, args)
	}
	return reply, err
}

func (c *Client) attempt(ctx context.Context, deadline time.Time, args []string) (string, error) {
	if c.conn == nil {
		if err := c.connect(ctx, deadline); err != nil {
			return "", err
		}
	}
	reply, err := c.exchange(deadline, args)
	if _, refused := errors.AsType[ReplyError](err); err != nil && !refused && !errors.Is(err, ErrNil) {
		c.disconnect()
	}
	return reply, err
}

func (c *Client) connect(ctx context.Context, deadline time.Time) error {
	conn, err := (&net.Dialer{Deadline: deadline}).DialContext(ctx, "tcp", c.address)
	if err != nil {
		return err
	}
	c.conn, c.reader = conn, bufio.NewReader(conn)
	if c.password != "" {
		if _, err := c.exchange(deadline, []string{"AUTH", c.password}); err != nil {
			c.disconnect()
			return err
		}
	}
	return nil
}

func (c *Client) disconnect() {
	_ = c.conn.Close()
	c.conn, c.reader = nil, nil
}

func (c *Client) exchange(deadline time.Time, args []string) (string, error) {
	if err := c.conn.SetDeadline(deadline); err != nil {
		return "", err
	}
	if _, err := io.WriteString(c.conn, encode(args)); err != nil {
		return "", err
	}
	return decode(c.reader)
}

func encode(args []string) string {
	var command strings.Builder
	fmt.Fprintf(&command, "*%d\r\n", len(args))
	for _, arg := range args {
		fmt.Fprintf(&command, "$%d\r\n%s\r\n", len(arg), arg)
	}
	return command.String()
}

func decode(r *bufio.Reader) (string, error) {
	line, err := r.ReadString('\n')
	if err != nil {
		return "", err
	}
	line = strings.TrimRight(line, "\r\n")
	if line == "" {
		return "", errors.New("redis: empty reply")
	}
	switch kind, rest := line[0], line[1:]; kind {
	case '+', ':':
		return rest, nil
	case '-':
		return "", ReplyError(rest)
	case '$':
		size, err := strconv.Atoi(rest)
		if err != nil || size > maxBulkBytes {
			return "", fmt.Errorf("redis: bulk reply of size %q", rest)
		}
		if size < 0 {
			return "", ErrNil
		}
		bulk := make([]byte, size+2)
		if _, err := io.ReadFull(r, bulk); err != nil {
			return "", err
		}
		return string(bulk[:size]), nil
	}
	return "", fmt.Errorf("redis: unexpected reply %q", line)
}
