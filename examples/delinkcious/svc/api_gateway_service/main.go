// The API gateway is the application's only public entry.
package main

import (
	"context"
	"crypto/rand"
	"log/slog"
	"time"

	"example.com/delinkcious/pkg/peer"
	"example.com/delinkcious/pkg/service"
	"example.com/delinkcious/pkg/settings"
	"example.com/delinkcious/pkg/web"
)

const version = "1.0.0"

func main() {
	service.Main(service.Service{Name: "api-gateway", Version: version, Port: 8080, Setup: setup})
}

func setup(_ context.Context, env *settings.Reader, router *web.Router, log *slog.Logger) service.Backing {
	key := env.Secret("TOKEN_SECRET", 16)
	if key == nil && env.Problems() == nil {
		log.Warn("TOKEN_SECRET is not set: tokens are valid only for this process")
		key = []byte(rand.Text())
	}
	handle(router, gateway{
		links:  peer.New("link", env.PeerURL("LINK_URL"), 5*time.Second),
		users:  peer.New("user", env.PeerURL("USER_URL"), 5*time.Second),
		graph:  peer.New("social-graph", env.PeerURL("SOCIAL_GRAPH_URL"), 5*time.Second),
		news:   peer.New("news", env.PeerURL("NEWS_URL"), 8*time.Second),
		tokens: signer{key: key, now: time.Now},
	})
	return service.Backing{}
}
