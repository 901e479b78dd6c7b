// Package ext is what Traefik's configuration is extended by in other editions: here, by nothing. Its module is not published.
package ext

// HTTP extends all of the configuration for HTTP.
type HTTP struct{}

// Router extends that of one router.
type Router struct{}
