package main

import (
	"context"
	"database/sql"
	"errors"

	"github.com/lib/pq"
)

const schema = `
CREATE TABLE IF NOT EXISTS links (
	id             bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	owner          text        NOT NULL,
	url            text        NOT NULL,
	title          text        NOT NULL,
	tags           text[]      NOT NULL,
	followers_only boolean     NOT NULL,
	created_at     timestamptz NOT NULL DEFAULT now(),
	UNIQUE (owner, url)
);
CREATE INDEX IF NOT EXISTS links_newest ON links (owner, id DESC);`

type postgresStore struct{ db *sql.DB }

func (p postgresStore) add(ctx context.Context, link Link) (Link, error) {
	err := p.db.QueryRowContext(ctx,
		`INSERT INTO links (owner, url, title, tags, followers_only) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT DO NOTHING RETURNING id, created_at`,
		link.Owner, link.URL, link.Title, pq.Array(link.Tags), link.FollowersOnly).Scan(&link.ID, &link.CreatedAt)
	if errors.Is(err, sql.ErrNoRows) {
		return link, errDuplicate
	}
	link.CreatedAt = link.CreatedAt.UTC()
	return link, err
}

func (p postgresStore) remove(ctx context.Context, owner string, id int64) error {
	result, err := p.db.ExecContext(ctx, `DELETE FROM links WHERE owner = $1 AND id = $2`, owner, id)
	if err != nil {
		return err
	}
	if removed, err := result.RowsAffected(); err != nil || removed > 0 {
		return err
	}
	return errNotFound
}

func (p postgresStore) find(ctx context.Context, q query) ([]Link, error) {
	rows, err := p.db.QueryContext(ctx,
		`SELECT id, owner, url, title, tags, followers_only, created_at FROM links
		WHERE owner = ANY($1) AND (NOT followers_only OR owner = ANY($2)) AND ($3 = '' OR $3 = ANY(tags))
		ORDER BY id DESC LIMIT $4`,
		pq.Array(q.owners), pq.Array(append([]string{}, q.trusting...)), q.tag, q.limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	found := []Link{}
	for rows.Next() {
		var link Link
		if err := rows.Scan(&link.ID, &link.Owner, &link.URL, &link.Title, pq.Array(&link.Tags), &link.FollowersOnly, &link.CreatedAt); err != nil {
			return nil, err
		}
		link.CreatedAt = link.CreatedAt.UTC()
		found = append(found, link)
	}
	return found, rows.Err()
}
