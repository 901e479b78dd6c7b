package main

import (
	"context"
	"net/http"
	"sync"
	"time"

	"example.com/delinkcious/pkg/peer"
	"example.com/delinkcious/pkg/service"
	"example.com/delinkcious/pkg/web"
)

const overviewTimeout = time.Second

// overview answers GET /: which version of each service runs, and in which state it is.
func (g gateway) overview(r *http.Request) (web.Reply, error) {
	ctx, cancel := context.WithTimeout(r.Context(), overviewTimeout)
	defer cancel()
	peers := []struct {
		name   string
		client *peer.Client
	}{{"link", g.links}, {"news", g.news}, {"social-graph", g.graph}, {"user", g.users}}
	states := make([]service.Health, len(peers)+1)
	states[0] = service.Health{Service: "api-gateway", Version: version, Status: "ready"}
	var group sync.WaitGroup
	for i, p := range peers {
		group.Go(func() { states[i+1] = stateOf(ctx, p.name, p.client) })
	}
	group.Wait()
	return web.Reply{Status: http.StatusOK, Body: map[string]any{"application": "delinkcious", "services": states}}, nil
}

// stateOf leaves reasons out: they name internal addresses, and this page is public.
func stateOf(ctx context.Context, name string, client *peer.Client) service.Health {
	var health service.Health
	if err := client.Call(ctx, http.MethodGet, "/healthz", nil, &health); err != nil {
		return service.Health{Service: name, Status: "unreachable"}
	}
	health.Service, health.Status, health.Reason = name, "ready", ""
	if err := client.Call(ctx, http.MethodGet, "/readyz", nil, nil); err != nil {
		health.Status = "not ready"
	}
	return health
}
