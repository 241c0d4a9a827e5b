package secrets

import "sync"

// floors remember how far records had come when they were last opened, so that
// an older state is refused: a tag authenticates a record, it does not date it.
//
// A reader may be overtaken by another one of this process that reads later and
// reports first; what was remembered after a read began is no measure for it.
// So each entry is stamped, and compared only with reads that began later.
//
// The memory is bounded: what was met first is forgotten first, a generation at
// a time. A single map, with one entry removed for each that comes, would grow
// for ever: Go's counts the places of removed entries as taken, and splits.
type floors struct {
	mu          sync.Mutex
	clock       uint64
	generations [1 + olderGenerations]map[string]stamped // the newest first; a key is in one of them
}

// floor is a record's counters, each of which only grows.
type floor [2]uint64

type stamped struct {
	floor floor
	at    uint64
}

// The 65,536 records that were first met last are remembered, and up to a
// generation more.
const (
	olderGenerations = 16
	generationSize   = 1 << 12
)

// now returns the time to give to raise, taken before the read.
func (f *floors) now() uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.clock
}

// absent returns ErrTampered if a record had been seen under key before a read
// began that did not find it; only for records that are never removed.
func (f *floors) absent(key string, since uint64) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if g, known := f.find(key); g != nil && known.at <= since {
		return ErrTampered
	}
	return nil
}

// known returns what is remembered under key.
func (f *floors) known(key string) floor {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, known := f.find(key)
	return known.floor
}

// raise remembers what was read under key. It returns ErrTampered if more had
// been seen before the read began.
func (f *floors) raise(key string, since uint64, got floor) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	g, known := f.find(key)
	if g != nil && known.at <= since && (got[0] < known.floor[0] || got[1] < known.floor[1]) {
		return ErrTampered
	}
	next := floor{max(got[0], known.floor[0]), max(got[1], known.floor[1])}
	if next == known.floor {
		return nil
	}
	if g == nil {
		g = f.youngest()
	}
	f.clock++
	g[key] = stamped{floor: next, at: f.clock}
	return nil
}

// find returns what is remembered under key and the generation that holds it,
// nil if none does.
func (f *floors) find(key string) (map[string]stamped, stamped) {
	for _, g := range f.generations {
		if known, ok := g[key]; ok {
			return g, known
		}
	}
	return nil, stamped{}
}

// youngest returns a generation with room for one more, which may be the oldest,
// emptied: a new one would take its memory step by step.
func (f *floors) youngest() map[string]stamped {
	if g := f.generations[0]; g != nil && len(g) < generationSize {
		return g
	}
	g := f.generations[olderGenerations]
	if g == nil {
		g = make(map[string]stamped)
	}
	clear(g)
	copy(f.generations[1:], f.generations[:])
	f.generations[0] = g
	return g
}
