package main

import (
	"context"
	"net/http"

	"example.com/delinkcious/pkg/web"
)

// edge says that one user follows another.
type edge struct{ follower, followed string }

// store lists names in alphabetical order.
type store interface {
	follow(context.Context, edge) error
	unfollow(context.Context, edge) error
	following(ctx context.Context, name string) ([]string, error)
	followers(ctx context.Context, name string) ([]string, error)
}

func handle(router *web.Router, graph store) {
	router.Handle("PUT /users/{name}/following/{other}", change(graph.follow))
	router.Handle("DELETE /users/{name}/following/{other}", change(graph.unfollow))
	router.Handle("GET /users/{name}/following", list(graph.following))
	router.Handle("GET /users/{name}/followers", list(graph.followers))
}

// change makes a handler of an operation that may be repeated without harm.
func change(operation func(context.Context, edge) error) web.Handler {
	return func(r *http.Request) (web.Reply, error) {
		e := edge{r.PathValue("name"), r.PathValue("other")}
		if e.follower == e.followed {
			return web.Reply{}, web.Fail(http.StatusBadRequest, "%s cannot follow themselves", e.follower)
		}
		return web.Reply{Status: http.StatusNoContent}, operation(r.Context(), e)
	}
}

func list(operation func(context.Context, string) ([]string, error)) web.Handler {
	return func(r *http.Request) (web.Reply, error) {
		names, err := operation(r.Context(), r.PathValue("name"))
		return web.Reply{Status: http.StatusOK, Body: map[string][]string{"users": names}}, err
	}
}
