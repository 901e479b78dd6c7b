//go:build integration

package main

import (
	"testing"

	"example.com/delinkcious/pkg/postgrestest"
)

func TestPostgresStore(t *testing.T) {
	testStore(t, postgresStore{postgrestest.Open(t, schema)})
}
