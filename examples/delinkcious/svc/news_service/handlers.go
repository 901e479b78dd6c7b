package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"example.com/delinkcious/pkg/peer"
	"example.com/delinkcious/pkg/web"
)

const newsLimit = "20"

type handlers struct {
	graph *peer.Client
	links *peer.Client
	cache cache
	log   *slog.Logger
	now   func() time.Time
}

func (h handlers) news(r *http.Request) (web.Reply, error) {
	ctx, user := r.Context(), r.PathValue("name")
	cached, found, err := h.cache.get(ctx, user)
	if err != nil {
		h.log.Warn("cache cannot be read", "error", err.Error())
	}
	if found && h.now().Sub(cached.AsOf) < freshFor {
		return web.Reply{Status: http.StatusOK, Body: cached}, nil
	}
	links, err := h.latest(ctx, user)
	if err != nil {
		if !found {
			return web.Reply{}, err
		}
		h.log.Warn("older news are shown", "user", user, "error", err.Error())
		cached.Stale = true
		return web.Reply{Status: http.StatusOK, Body: cached}, nil
	}
	news := News{Links: links, AsOf: h.now().UTC()}
	if err := h.cache.put(ctx, user, news); err != nil {
		h.log.Warn("cache cannot be written", "error", err.Error())
	}
	return web.Reply{Status: http.StatusOK, Body: news}, nil
}

// latest asks for the newest links of all that the user follows.
func (h handlers) latest(ctx context.Context, user string) (json.RawMessage, error) {
	var following struct {
		Users []string `json:"users"`
	}
	if err := h.graph.Call(ctx, http.MethodGet, "/users/"+url.PathEscape(user)+"/following", nil, &following); err != nil {
		return nil, err
	}
	if len(following.Users) == 0 {
		return json.RawMessage("[]"), nil
	}
	var page struct {
		Links json.RawMessage `json:"links"`
	}
	query := url.Values{"owner": following.Users, "viewer": {user}, "limit": {newsLimit}}
	err := h.links.Call(ctx, http.MethodGet, "/links?"+query.Encode(), nil, &page)
	return page.Links, err
}
