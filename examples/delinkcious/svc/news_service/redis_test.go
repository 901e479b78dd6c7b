//go:build integration

package main

import (
	"context"
	"crypto/rand"
	"os"
	"testing"
	"time"

	"example.com/delinkcious/pkg/redis"
)

// prefixed keeps a test's keys apart from all others; they expire by themselves.
type prefixed struct {
	redisCache
	prefix string
}

func TestRedisCache(t *testing.T) {
	address := os.Getenv("TEST_REDIS_ADDRESS")
	if address == "" {
		t.Fatal("set TEST_REDIS_ADDRESS to the host:port of a Redis server")
	}
	testCache(t, prefixed{redisCache{redis.New(address, os.Getenv("TEST_REDIS_PASSWORD"), time.Second)}, rand.Text() + ":"})
}

func (p prefixed) get(ctx context.Context, user string) (News, bool, error) {
	return p.redisCache.get(ctx, p.prefix+user)
}

func (p prefixed) put(ctx context.Context, user string, news News) error {
	return p.redisCache.put(ctx, p.prefix+user, news)
}
