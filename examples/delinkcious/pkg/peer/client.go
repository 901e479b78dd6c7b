// Package peer calls other services of the application.
package peer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"example.com/delinkcious/pkg/web"
)

const (
	retryPause       = 100 * time.Millisecond
	maxResponseBytes = 4 << 20
)

// Client calls one peer.
type Client struct {
	name string
	base string
	http *http.Client
}

// New makes a client of the peer at a base URL; timeout bounds each attempt.
func New(name, base string, timeout time.Duration) *Client {
	return &Client{name: name, base: base, http: &http.Client{
		Timeout: timeout,
		// No proxy: peers are in the same cluster. Idle connections close before the peer's server closes them.
		Transport: &http.Transport{MaxIdleConnsPerHost: 16, IdleConnTimeout: 30 * time.Second},
		// Peers never redirect; following one would call something that nobody asked for.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Call sends in as JSON (nil: no body) and decodes the answer into out (nil: ignored).
// What the peer refuses (4xx) comes back as the same *web.Error; any other failure says that the peer does not work.
func (c *Client) Call(ctx context.Context, method, path string, in, out any) error {
	var body []byte
	if in != nil {
		encoded, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = encoded
	}
	response, err := c.send(ctx, method, path, body)
	if err != nil {
		return &web.Error{Status: http.StatusServiceUnavailable, Message: "the " + c.name + " service is not reachable, try again later", Cause: err}
	}
	defer response.Body.Close()
	content, err := io.ReadAll(io.LimitReader(response.Body, maxResponseBytes))
	if err != nil {
		return c.broken(err)
	}
	if response.StatusCode >= 300 {
		return c.refusal(response.StatusCode, content)
	}
	if out != nil {
		if err := json.Unmarshal(content, out); err != nil {
			return c.broken(err)
		}
	}
	return nil
}

// send retries once where no connection came about, which is safe for every method.
func (c *Client) send(ctx context.Context, method, path string, body []byte) (*http.Response, error) {
	for attempt := 1; ; attempt++ {
		request, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		if body != nil {
			request.Header.Set("Content-Type", "application/json")
		}
		if id := web.RequestID(ctx); id != "" {
			request.Header.Set("X-Request-Id", id)
		}
		response, err := c.http.Do(request)
		failure, ok := errors.AsType[*net.OpError](err)
		if err == nil || attempt > 1 || !ok || failure.Op != "dial" {
			return response, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(retryPause):
		}
	}
}

func (c *Client) refusal(status int, content []byte) error {
	var body struct {
		Error string `json:"error"`
	}
	if err := json.Unmarshal(content, &body); err != nil || body.Error == "" {
		body.Error = http.StatusText(status)
	}
	if status < 400 || status >= 500 {
		return c.broken(fmt.Errorf("status %d: %s", status, body.Error))
	}
	return &web.Error{Status: status, Message: body.Error}
}

func (c *Client) broken(cause error) error {
	return &web.Error{Status: http.StatusBadGateway, Message: "the " + c.name + " service failed", Cause: cause}
}
