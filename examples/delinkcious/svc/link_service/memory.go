package main

import (
	"context"
	"slices"
	"sync"
	"time"
)

// memoryStore keeps links in the order of their ids.
type memoryStore struct {
	mutex  sync.RWMutex
	links  []Link
	lastID int64
}

func (m *memoryStore) add(_ context.Context, link Link) (Link, error) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if slices.ContainsFunc(m.links, func(other Link) bool { return other.Owner == link.Owner && other.URL == link.URL }) {
		return link, errDuplicate
	}
	m.lastID++
	link.ID, link.CreatedAt = m.lastID, time.Now().UTC()
	m.links = append(m.links, link)
	return link, nil
}

func (m *memoryStore) remove(_ context.Context, owner string, id int64) error {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	at := slices.IndexFunc(m.links, func(link Link) bool { return link.Owner == owner && link.ID == id })
	if at < 0 {
		return errNotFound
	}
	m.links = slices.Delete(m.links, at, at+1)
	return nil
}

func (m *memoryStore) find(_ context.Context, q query) ([]Link, error) {
	m.mutex.RLock()
	defer m.mutex.RUnlock()
	found := []Link{}
	for _, link := range slices.Backward(m.links) {
		shown := slices.Contains(q.owners, link.Owner) &&
			(!link.FollowersOnly || slices.Contains(q.trusting, link.Owner)) &&
			(q.tag == "" || slices.Contains(link.Tags, q.tag))
		if shown {
			found = append(found, link)
		}
		if len(found) == q.limit {
			break
		}
	}
	return found, nil
}
