// The social graph service keeps who follows whom.
package main

import (
	"context"
	"log/slog"

	"example.com/delinkcious/pkg/postgres"
	"example.com/delinkcious/pkg/service"
	"example.com/delinkcious/pkg/settings"
	"example.com/delinkcious/pkg/web"
)

const version = "1.0.0"

func main() {
	service.Main(service.Service{Name: "social-graph", Version: version, Port: 7072, Setup: setup})
}

func setup(ctx context.Context, env *settings.Reader, router *web.Router, log *slog.Logger) service.Backing {
	if db := postgres.Open(ctx, env, "SOCIAL_GRAPH_DB", schema, log); db != nil {
		handle(router, postgresStore{db.DB})
		return service.Backing{Store: "postgres", Ready: db.Ready}
	}
	handle(router, &memoryStore{edges: map[edge]bool{}})
	return service.Backing{Store: "memory"}
}
