// The news service shows a user the latest links of those the user follows.
package main

import (
	"context"
	"log/slog"
	"time"

	"example.com/delinkcious/pkg/peer"
	"example.com/delinkcious/pkg/redis"
	"example.com/delinkcious/pkg/service"
	"example.com/delinkcious/pkg/settings"
	"example.com/delinkcious/pkg/web"
)

const version = "1.0.0"

func main() {
	service.Main(service.Service{Name: "news", Version: version, Port: 7073, Setup: setup})
}

// setup leaves Redis out of readiness: news are made without their cache, only slower.
func setup(_ context.Context, env *settings.Reader, router *web.Router, log *slog.Logger) service.Backing {
	h := handlers{
		graph: peer.New("social-graph", env.PeerURL("SOCIAL_GRAPH_URL"), 3*time.Second),
		links: peer.New("link", env.PeerURL("LINK_URL"), 3*time.Second),
		cache: newMemoryCache(),
		log:   log,
		now:   time.Now,
	}
	backing := service.Backing{Store: "memory"}
	if address := env.Address("NEWS_CACHE_ADDRESS"); address != "" {
		h.cache = redisCache{redis.New(address, string(env.Secret("NEWS_CACHE_PASSWORD", 1)), 500*time.Millisecond)}
		backing.Store = "redis"
	} else {
		log.Warn("NEWS_CACHE_ADDRESS is not set: the cache is in memory")
	}
	router.Handle("GET /users/{name}/news", h.news)
	return backing
}
