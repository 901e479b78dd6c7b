// The link service keeps the links that users post.
package main

import (
	"context"
	"log/slog"
	"time"

	"example.com/delinkcious/pkg/peer"
	"example.com/delinkcious/pkg/postgres"
	"example.com/delinkcious/pkg/service"
	"example.com/delinkcious/pkg/settings"
	"example.com/delinkcious/pkg/web"
)

const version = "1.0.0"

func main() {
	service.Main(service.Service{Name: "link", Version: version, Port: 7070, Setup: setup})
}

func setup(ctx context.Context, env *settings.Reader, router *web.Router, log *slog.Logger) service.Backing {
	graph := peer.New("social-graph", env.PeerURL("SOCIAL_GRAPH_URL"), time.Second)
	if db := postgres.Open(ctx, env, "LINK_DB", schema, log); db != nil {
		handle(router, postgresStore{db.DB}, graph, log)
		return service.Backing{Store: "postgres", Ready: db.Ready}
	}
	handle(router, &memoryStore{}, graph, log)
	return service.Backing{Store: "memory"}
}
