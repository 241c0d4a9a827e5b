package secrets

import "sync"

// floors remember how far records had come when they were last opened, so that
// an older state is refused: a tag authenticates a record, it does not date it.
//
// A reader may be overtaken by another one of this process that reads later and
// reports first; what was remembered after a read began is no measure for it.
// So each entry is stamped, and compared only with reads that began later.
//
// The memory is bounded: for each record that is new, one of the former ones is
// forgotten. No map is both added to and removed from: Go's counts the places of
// what was removed as taken and splits its tables, so that it would grow for ever.
type floors struct {
	mu     sync.Mutex
	clock  uint64
	recent map[string]stamped // added to
	former map[string]stamped // removed from; nothing is in both
}

// floor is a record's counters, each of which only grows.
type floor [2]uint64

type stamped struct {
	floor floor
	at    uint64
}

// maxFloors is how many records are remembered. Beyond it some are forgotten, of
// those that were met longer ago.
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
	if known, ok := f.find(key); ok && known.at <= since {
		return ErrTampered
	}
	return nil
}

// known returns what is remembered under key.
func (f *floors) known(key string) floor {
	f.mu.Lock()
	defer f.mu.Unlock()
	known, _ := f.find(key)
	return known.floor
}

// contradicts reports whether a record with these counters cannot have come after
// one with those that were seen.
func (f floor) contradicts(seen floor) bool {
	return f[0] < seen[0] || f[1] < seen[1] || f[1] != 0 && f[1] == seen[1] && f[0] != seen[0]
}

// raise remembers what was read under key. It returns ErrTampered if more had
// been seen before the read began, or another record of the same serial: one of
// them was refused by the store, and has been put there since.
func (f *floors) raise(key string, since uint64, got floor) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	known, recent := f.recent[key]
	seen := recent
	if !recent {
		known, seen = f.former[key]
	}
	if seen && known.at <= since && got.contradicts(known.floor) {
		return ErrTampered
	}
	next := floor{max(got[0], known.floor[0]), max(got[1], known.floor[1])}
	if next == known.floor && recent == seen {
		return nil
	}
	if next != known.floor {
		f.clock++
		known = stamped{floor: next, at: f.clock}
	}
	if !recent { // what is met again is recent
		delete(f.former, key)
		f.makeRoom()
	}
	f.recent[key] = known
	return nil
}

// find returns what is remembered under key.
func (f *floors) find(key string) (known stamped, ok bool) {
	if known, ok = f.recent[key]; !ok {
		known, ok = f.former[key]
	}
	return known, ok
}

// makeRoom makes room for one more among the recent ones. Once those are as many as
// there may be they are the former ones, of which none is left.
func (f *floors) makeRoom() {
	if f.recent == nil {
		f.recent = make(map[string]stamped)
	}
	if len(f.recent) == maxFloors {
		if f.former == nil {
			f.former = make(map[string]stamped, maxFloors) // the last memory that is taken
		}
		clear(f.former)
		f.recent, f.former = f.former, f.recent
	}
	evict(f.former, maxFloors-len(f.recent))
}
