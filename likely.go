package secrets

import (
	"slices"
	"sync"
)

// likely are the services that secrets were granted to when they were read last:
// whoever updates one of them again reads the services' records with it, and not
// once it has read who they are. It is a guess at what to read, and nothing else
// rests on it.
type likely struct {
	mu   sync.Mutex
	keys map[Name][]string // of the services' records, two each, by secret
}

// The most secrets of which this is remembered, and keys of one: those of a hundred
// services.
const (
	maxLikely     = 1024
	maxLikelyKeys = 200
)

func (l *likely) services(secret Name) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.keys[secret]
}

func (l *likely) keep(secret Name, keys []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if slices.Equal(l.keys[secret], keys) {
		return
	}
	if l.keys == nil {
		l.keys = make(map[Name][]string)
	}
	delete(l.keys, secret)
	if len(keys) == 0 || len(keys) > maxLikelyKeys {
		return
	}
	evict(l.keys, maxLikely)
	l.keys[secret] = slices.Clone(keys)
}
