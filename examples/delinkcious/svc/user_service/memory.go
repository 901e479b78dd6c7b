package main

import (
	"context"
	"sync"
	"time"
)

type memoryStore struct {
	mutex sync.RWMutex
	users map[string]account
}

func (m *memoryStore) add(_ context.Context, new account) (User, error) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if _, taken := m.users[new.Name]; taken {
		return User{}, errDuplicate
	}
	new.CreatedAt = time.Now().UTC()
	m.users[new.Name] = new
	return new.User, nil
}

func (m *memoryStore) get(_ context.Context, name string) (account, error) {
	m.mutex.RLock()
	defer m.mutex.RUnlock()
	found, ok := m.users[name]
	if !ok {
		return account{}, errNotFound
	}
	return found, nil
}
