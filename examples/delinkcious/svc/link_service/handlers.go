package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"example.com/delinkcious/pkg/peer"
	"example.com/delinkcious/pkg/web"
)

type handlers struct {
	links store
	graph *peer.Client
	log   *slog.Logger
}

func handle(router *web.Router, links store, graph *peer.Client, log *slog.Logger) {
	h := handlers{links, graph, log}
	router.Handle("POST /users/{owner}/links", h.add)
	router.Handle("DELETE /users/{owner}/links/{id}", h.remove)
	router.Handle("GET /links", h.list)
}

func (h handlers) add(r *http.Request) (web.Reply, error) {
	draft, err := web.ReadJSON[draft](r)
	if err != nil {
		return web.Reply{}, err
	}
	link, err := draft.check(r.PathValue("owner"))
	if err != nil {
		return web.Reply{}, err
	}
	link, err = h.links.add(r.Context(), link)
	if errors.Is(err, errDuplicate) {
		return web.Reply{}, web.Fail(http.StatusConflict, "%s has a link to %s already", link.Owner, link.URL)
	}
	return web.Reply{Status: http.StatusCreated, Body: link}, err
}

func (h handlers) remove(r *http.Request) (web.Reply, error) {
	owner := r.PathValue("owner")
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return web.Reply{}, web.Fail(http.StatusBadRequest, "link id %q is not a number", r.PathValue("id"))
	}
	err = h.links.remove(r.Context(), owner, id)
	if errors.Is(err, errNotFound) {
		return web.Reply{}, web.Fail(http.StatusNotFound, "%s has no link %d", owner, id)
	}
	return web.Reply{Status: http.StatusNoContent}, err
}

// list answers ?owner=A&owner=B&viewer=V&tag=T&limit=N.
func (h handlers) list(r *http.Request) (web.Reply, error) {
	values := r.URL.Query()
	owners, viewer := values["owner"], values.Get("viewer")
	if len(owners) == 0 {
		return web.Reply{}, web.Fail(http.StatusBadRequest, "owner is missing")
	}
	limit, err := web.Limit(r)
	if err != nil {
		return web.Reply{}, err
	}
	links, err := h.links.find(r.Context(), query{
		owners:   owners,
		trusting: h.trusting(r.Context(), owners, viewer),
		tag:      values.Get("tag"),
		limit:    limit,
	})
	if err != nil {
		return web.Reply{}, err
	}
	return web.Reply{Status: http.StatusOK, Body: map[string][]Link{"links": links}}, nil
}

// trusting shows a viewer the links for followers of those the viewer follows, and the viewer's own.
// Without the social graph's answer only public links are shown.
func (h handlers) trusting(ctx context.Context, owners []string, viewer string) []string {
	if viewer == "" {
		return nil
	}
	trusting := []string{viewer}
	if !slices.ContainsFunc(owners, func(owner string) bool { return owner != viewer }) {
		return trusting
	}
	var following struct {
		Users []string `json:"users"`
	}
	if err := h.graph.Call(ctx, http.MethodGet, "/users/"+url.PathEscape(viewer)+"/following", nil, &following); err != nil {
		h.log.Warn("links for followers are left out", "viewer", viewer, "error", err.Error())
	}
	return append(trusting, following.Users...)
}
