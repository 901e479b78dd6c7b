package main

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"example.com/delinkcious/pkg/redis"
)

const (
	// freshFor is how long news are shown without asking again.
	freshFor = 2 * time.Second
	// keptFor is how long news can stand in for peers that do not answer.
	keptFor = time.Hour
)

// News is one user's page, and when it was made.
type News struct {
	Links json.RawMessage `json:"links"`
	AsOf  time.Time       `json:"asOf"`
	// Stale says that a peer did not answer, and that these are older news.
	Stale bool `json:"stale"`
}

type cache interface {
	get(ctx context.Context, user string) (news News, found bool, err error)
	put(ctx context.Context, user string, news News) error
}

type redisCache struct{ client *redis.Client }

func (c redisCache) get(ctx context.Context, user string) (News, bool, error) {
	text, err := c.client.Get(ctx, "news:"+user)
	if errors.Is(err, redis.ErrNil) {
		return News{}, false, nil
	}
	if err != nil {
		return News{}, false, err
	}
	var news News
	err = json.Unmarshal([]byte(text), &news)
	return news, err == nil, err
}

func (c redisCache) put(ctx context.Context, user string, news News) error {
	text, err := json.Marshal(news)
	if err != nil {
		return err
	}
	return c.client.Set(ctx, "news:"+user, string(text), keptFor)
}

// memoryCache drops everything when it is full, which is enough for a cache without a server.
type memoryCache struct {
	mutex sync.Mutex
	pages map[string]News
}

const memoryCachePages = 1000

func newMemoryCache() *memoryCache { return &memoryCache{pages: map[string]News{}} }

func (c *memoryCache) get(_ context.Context, user string) (News, bool, error) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	news, found := c.pages[user]
	return news, found && time.Since(news.AsOf) < keptFor, nil
}

func (c *memoryCache) put(_ context.Context, user string, news News) error {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if len(c.pages) >= memoryCachePages {
		clear(c.pages)
	}
	c.pages[user] = news
	return nil
}
