package main

import (
	"fmt"
	"path/filepath"
	"slices"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/storage/sqlite"
)

// A crowd is an acme in an SQLite file, beside other secrets that its service is
// not granted. Half of their names come before those that it is granted.
type crowd struct {
	*acme
	file   string
	others int
}

// many is the largest crowd.
func (c config) many() int {
	if c.quick {
		return 100_000
	}
	return 1_000_000
}

// hundredThousand is fewer in a quick run.
func (c config) hundredThousand() int { return c.many() / 10 }

// crowd returns the one with so many others, which stays until the end.
func (l *lab) crowd(others int) (*crowd, error) {
	if c, ok := l.crowds[others]; ok {
		return c, nil
	}
	dir, err := l.folder("crowd")
	if err != nil {
		return nil, err
	}
	c := &crowd{file: filepath.Join(dir, "secrets.db"), others: others}
	store, err := sqlite.Open(l.ctx, c.file, nil)
	if err != nil {
		return nil, err
	}
	l.onClose(closer(store))
	if c.acme, err = l.acmeIn(store); err != nil {
		return nil, err
	}
	for chunk := range slices.Chunk(make([]struct{}, others), maxChange) {
		if err := l.create(c.org, others-len(chunk), len(chunk)); err != nil {
			return nil, err
		}
		others -= len(chunk)
	}
	l.crowds[c.others] = c
	return c, nil
}

// maxChange is how many secrets fit a change.
const maxChange = 50

// create creates n others in one commit.
func (l *lab) create(org *secrets.Organization, from, n int) error {
	return org.Change(l.ctx, func(c *secrets.Change) error {
		for i := from; i < from+n; i++ {
			if err := c.CreateSecret(other(i), secrets.Text(value(i%variables))); err != nil {
				return err
			}
		}
		return nil
	})
}

func other(i int) secrets.Name {
	side := "a"
	if i%2 == 1 {
		side = "z"
	}
	return secrets.Name(fmt.Sprintf("%s-secret-%07d", side, i))
}
