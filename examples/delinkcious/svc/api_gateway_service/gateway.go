package main

import (
	"encoding/json"
	"net/http"
	"net/url"

	"example.com/delinkcious/pkg/peer"
	"example.com/delinkcious/pkg/web"
)

type gateway struct {
	links, users, graph, news *peer.Client
	tokens                    signer
}

func handle(router *web.Router, g gateway) {
	router.Handle("GET /{$}", g.overview)
	router.Handle("POST /v1/users", g.register)
	router.Handle("POST /v1/login", g.logIn)
	router.Handle("GET /v1/me", g.private(func(r *http.Request, me string) (web.Reply, error) {
		return relay(r, g.users, http.MethodGet, http.StatusOK, userPath(me))
	}))
	router.Handle("GET /v1/users/{name}", g.private(func(r *http.Request, _ string) (web.Reply, error) {
		return relay(r, g.users, http.MethodGet, http.StatusOK, userPath(r.PathValue("name")))
	}))
	router.Handle("GET /v1/users/{name}/links", g.private(func(r *http.Request, me string) (web.Reply, error) {
		return g.list(r, r.PathValue("name"), me)
	}))
	router.Handle("GET /v1/links", g.private(func(r *http.Request, me string) (web.Reply, error) {
		return g.list(r, me, me)
	}))
	router.Handle("POST /v1/links", g.private(func(r *http.Request, me string) (web.Reply, error) {
		return relay(r, g.links, http.MethodPost, http.StatusCreated, userPath(me)+"/links")
	}))
	router.Handle("DELETE /v1/links/{id}", g.private(func(r *http.Request, me string) (web.Reply, error) {
		return relay(r, g.links, http.MethodDelete, http.StatusNoContent, userPath(me)+"/links/"+url.PathEscape(r.PathValue("id")))
	}))
	router.Handle("PUT /v1/following/{name}", g.private(g.follow))
	router.Handle("DELETE /v1/following/{name}", g.private(func(r *http.Request, me string) (web.Reply, error) {
		return relay(r, g.graph, http.MethodDelete, http.StatusNoContent, userPath(me)+"/following/"+url.PathEscape(r.PathValue("name")))
	}))
	router.Handle("GET /v1/following", g.private(func(r *http.Request, me string) (web.Reply, error) {
		return relay(r, g.graph, http.MethodGet, http.StatusOK, userPath(me)+"/following")
	}))
	router.Handle("GET /v1/followers", g.private(func(r *http.Request, me string) (web.Reply, error) {
		return relay(r, g.graph, http.MethodGet, http.StatusOK, userPath(me)+"/followers")
	}))
	router.Handle("GET /v1/news", g.private(func(r *http.Request, me string) (web.Reply, error) {
		return relay(r, g.news, http.MethodGet, http.StatusOK, userPath(me)+"/news")
	}))
}

// private hands on the name of the user who is logged in. Services behind the gateway trust it.
func (g gateway) private(handler func(r *http.Request, me string) (web.Reply, error)) web.Handler {
	return func(r *http.Request) (web.Reply, error) {
		me, err := g.tokens.user(r)
		if err != nil {
			return web.Reply{}, err
		}
		return handler(r, me)
	}
}

func userPath(name string) string { return "/users/" + url.PathEscape(name) }

// relay passes a request on with its body, and the answer back as it is.
func relay(r *http.Request, to *peer.Client, method string, status int, path string) (web.Reply, error) {
	var in any
	if method == http.MethodPost {
		body, err := web.ReadJSON[json.RawMessage](r)
		if err != nil {
			return web.Reply{}, err
		}
		in = body
	}
	if status == http.StatusNoContent {
		return web.Reply{Status: status}, to.Call(r.Context(), method, path, in, nil)
	}
	var out json.RawMessage
	err := to.Call(r.Context(), method, path, in, &out)
	return web.Reply{Status: status, Body: out}, err
}

func (g gateway) register(r *http.Request) (web.Reply, error) {
	return relay(r, g.users, http.MethodPost, http.StatusCreated, "/users")
}

func (g gateway) logIn(r *http.Request) (web.Reply, error) {
	credentials, err := web.ReadJSON[json.RawMessage](r)
	if err != nil {
		return web.Reply{}, err
	}
	var user struct {
		Name string `json:"name"`
	}
	if err := g.users.Call(r.Context(), http.MethodPost, "/sessions", credentials, &user); err != nil {
		return web.Reply{}, err
	}
	token, expiresAt, err := g.tokens.issue(user.Name)
	return web.Reply{Status: http.StatusOK, Body: map[string]any{"token": token, "expiresAt": expiresAt}}, err
}

func (g gateway) list(r *http.Request, owner, viewer string) (web.Reply, error) {
	query := url.Values{"owner": {owner}, "viewer": {viewer}}
	for _, name := range []string{"tag", "limit"} {
		if value := r.URL.Query().Get(name); value != "" {
			query.Set(name, value)
		}
	}
	return relay(r, g.links, http.MethodGet, http.StatusOK, "/links?"+query.Encode())
}

// follow makes sure that there is someone to follow, which the social graph does not know.
func (g gateway) follow(r *http.Request, me string) (web.Reply, error) {
	name := r.PathValue("name")
	if err := g.users.Call(r.Context(), http.MethodGet, userPath(name), nil, nil); err != nil {
		return web.Reply{}, err
	}
	return relay(r, g.graph, http.MethodPut, http.StatusNoContent, userPath(me)+"/following/"+url.PathEscape(name))
}
