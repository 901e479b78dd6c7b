package main

import (
	"context"
	"database/sql"
)

// Names sort bytewise (COLLATE "C"), as they do in memory, whatever the database's locale.
const schema = `
CREATE TABLE IF NOT EXISTS follows (
	follower   text        COLLATE "C" NOT NULL,
	followed   text        COLLATE "C" NOT NULL,
	created_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (follower, followed)
);
CREATE INDEX IF NOT EXISTS follows_followed ON follows (followed, follower);`

type postgresStore struct{ db *sql.DB }

func (p postgresStore) follow(ctx context.Context, e edge) error {
	_, err := p.db.ExecContext(ctx, `INSERT INTO follows (follower, followed) VALUES ($1, $2) ON CONFLICT DO NOTHING`, e.follower, e.followed)
	return err
}

func (p postgresStore) unfollow(ctx context.Context, e edge) error {
	_, err := p.db.ExecContext(ctx, `DELETE FROM follows WHERE follower = $1 AND followed = $2`, e.follower, e.followed)
	return err
}

func (p postgresStore) following(ctx context.Context, name string) ([]string, error) {
	return p.names(ctx, `SELECT followed FROM follows WHERE follower = $1 ORDER BY followed`, name)
}

func (p postgresStore) followers(ctx context.Context, name string) ([]string, error) {
	return p.names(ctx, `SELECT follower FROM follows WHERE followed = $1 ORDER BY follower`, name)
}

func (p postgresStore) names(ctx context.Context, query, name string) ([]string, error) {
	rows, err := p.db.QueryContext(ctx, query, name)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	names := []string{}
	for rows.Next() {
		var found string
		if err := rows.Scan(&found); err != nil {
			return nil, err
		}
		names = append(names, found)
	}
	return names, rows.Err()
}
