// A server of Redis's protocol for Argo CD's cache, which is all that Argo CD uses Redis for: it keeps everything in
// memory and may lose it at any time. The machine then needs no Redis.
//
// Usage: redis ADDRESS, with the password in REDIS_PASSWORD as Argo CD's own parts take it.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alicebob/miniredis/v2"
)

const tick = time.Second

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: redis ADDRESS")
		os.Exit(2)
	}
	server := miniredis.NewMiniRedis()
	if password := os.Getenv("REDIS_PASSWORD"); password != "" {
		server.RequireAuth(password)
	}
	if err := server.StartAddr(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	defer server.Close()
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, os.Interrupt)
	// Time passes for its keys only when it is told so; the cache would otherwise grow without end.
	for ticker := time.NewTicker(tick); ; {
		select {
		case <-ticker.C:
			server.FastForward(tick)
		case <-stop:
			return
		}
	}
}
