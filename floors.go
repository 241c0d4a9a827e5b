package secrets

import "sync"

// floors remember how far records had come when they were last opened, so that
// an older state is refused: a tag authenticates a record, it does not date it.
//
// A reader may be overtaken by another one of this process that reads later and
// reports first; what was remembered after a read began is no measure for it.
// So each entry is stamped, and compared only with reads that began later.
type floors struct {
	mu      sync.Mutex
	clock   uint64
	entries map[string]stamped
}

// floor is a record's counters, each of which only grows.
type floor [2]uint64

type stamped struct {
	floor floor
	at    uint64
}

// maxFloors bounds the memory; beyond it some records are forgotten.
const maxFloors = 1 << 16

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
	if known, ok := f.entries[key]; ok && known.at <= since {
		return ErrTampered
	}
	return nil
}

// known returns what is remembered under key.
func (f *floors) known(key string) floor {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.entries[key].floor
}

// raise remembers what was read under key. It returns ErrTampered if more had
// been seen before the read began.
func (f *floors) raise(key string, since uint64, got floor) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	known, ok := f.entries[key]
	if ok && known.at <= since && (got[0] < known.floor[0] || got[1] < known.floor[1]) {
		return ErrTampered
	}
	next := floor{max(got[0], known.floor[0]), max(got[1], known.floor[1])}
	if next == known.floor {
		return nil
	}
	if f.entries == nil {
		f.entries = make(map[string]stamped)
	}
	if !ok {
		evict(f.entries, maxFloors)
	}
	f.clock++
	f.entries[key] = stamped{floor: next, at: f.clock}
	return nil
}
