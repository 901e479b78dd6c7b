package main

import (
	"context"
	"database/sql"
	"errors"
)

const schema = `
CREATE TABLE IF NOT EXISTS users (
	name          text        PRIMARY KEY,
	email         text        NOT NULL,
	password_hash text        NOT NULL,
	created_at    timestamptz NOT NULL DEFAULT now()
);`

type postgresStore struct{ db *sql.DB }

func (p postgresStore) add(ctx context.Context, new account) (User, error) {
	err := p.db.QueryRowContext(ctx,
		`INSERT INTO users (name, email, password_hash) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING created_at`,
		new.Name, new.email, new.passwordHash).Scan(&new.CreatedAt)
	if errors.Is(err, sql.ErrNoRows) {
		return User{}, errDuplicate
	}
	new.CreatedAt = new.CreatedAt.UTC()
	return new.User, err
}

func (p postgresStore) get(ctx context.Context, name string) (account, error) {
	found := account{User: User{Name: name}}
	err := p.db.QueryRowContext(ctx, `SELECT email, password_hash, created_at FROM users WHERE name = $1`, name).
		Scan(&found.email, &found.passwordHash, &found.CreatedAt)
	if errors.Is(err, sql.ErrNoRows) {
		return account{}, errNotFound
	}
	found.CreatedAt = found.CreatedAt.UTC()
	return found, err
}
