// The user service keeps accounts and checks passwords.
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
	service.Main(service.Service{Name: "user", Version: version, Port: 7071, Setup: setup})
}

func setup(ctx context.Context, env *settings.Reader, router *web.Router, log *slog.Logger) service.Backing {
	if db := postgres.Open(ctx, env, "USER_DB", schema, log); db != nil {
		handle(router, postgresStore{db.DB}, strongIterations)
		return service.Backing{Store: "postgres", Ready: db.Ready}
	}
	handle(router, &memoryStore{users: map[string]account{}}, strongIterations)
	return service.Backing{Store: "memory"}
}
