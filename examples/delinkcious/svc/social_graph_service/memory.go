package main

import (
	"context"
	"slices"
	"sync"
)

type memoryStore struct {
	mutex sync.RWMutex
	edges map[edge]bool
}

func (m *memoryStore) follow(_ context.Context, e edge) error {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.edges[e] = true
	return nil
}

func (m *memoryStore) unfollow(_ context.Context, e edge) error {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	delete(m.edges, e)
	return nil
}

func (m *memoryStore) following(_ context.Context, name string) ([]string, error) {
	return m.collect(func(e edge) (string, bool) { return e.followed, e.follower == name }), nil
}

func (m *memoryStore) followers(_ context.Context, name string) ([]string, error) {
	return m.collect(func(e edge) (string, bool) { return e.follower, e.followed == name }), nil
}

func (m *memoryStore) collect(pick func(edge) (string, bool)) []string {
	m.mutex.RLock()
	defer m.mutex.RUnlock()
	names := []string{}
	for e := range m.edges {
		if name, ok := pick(e); ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
