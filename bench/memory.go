package main

import (
	"context"
	"runtime"

	"github.com/seed-9f6dc42a/secrets"
)

// heap returns what is in use once the garbage is gone.
func heap() float64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

// grown returns by how much the heap has grown; not at all, if it is smaller.
func grown(since float64) float64 { return max(heap()-since, 0) }

var sessionMemory = study{
	name: "memory/session", unit: byteCount,
	claims: []claim{{work: "Memory of a session with its environment of 50, over its values", other: "1 MiB", most: 1}},
	setup: func(l *lab) (*race, error) {
		a, err := l.acme("memory")
		if err != nil {
			return nil, err
		}
		return &race{turns: 1, close: closer(a.store), ways: []way{
			{"ours", func(ctx context.Context) (float64, error) { return a.sessionMemory(ctx) }},
			fixed("1 MiB", 1<<20),
		}}, nil
	},
}

// sessionMemory opens many sessions, so that one more or less of something else
// does not matter.
func (a *acme) sessionMemory(ctx context.Context) (float64, error) {
	const sessions = 100
	type opened struct {
		session *secrets.Session
		env     *secrets.Environment
	}
	all, values := make([]opened, sessions), 0
	before := heap()
	for i := range all {
		session, err := secrets.Connect(ctx, a.store, a.token)
		if err != nil {
			return 0, err
		}
		env, err := session.Environment(ctx)
		if err != nil {
			return 0, err
		}
		all[i] = opened{session, env}
	}
	size := grown(before)
	for v := range all[0].env.All() {
		values += v.Value.Len()
	}
	runtime.KeepAlive(all)
	return size/sessions - float64(values), nil
}

// full is after how many secrets a handle remembers as much as it ever will.
func (c config) full() int {
	if c.quick {
		return 70_000
	}
	return 140_000
}

var listingMemory = study{
	name: "memory/listing", unit: byteCount,
	claims: []claim{{work: "Growth of the heap while 1,000,000 secrets are listed, after the first 140,000 (by then a handle remembers as much as it ever will, 14 MiB)", other: "256 KiB", most: 1}},
	setup: func(l *lab) (*race, error) {
		c, err := l.crowd(l.many())
		if err != nil {
			return nil, err
		}
		return &race{turns: 1, once: true, ways: []way{
			{"ours", func(ctx context.Context) (float64, error) { return c.listingMemory(ctx, l.full()) }},
			fixed("256 KiB", 256<<10),
		}}, nil
	},
}

// listingMemory returns the most by which the heap has grown at any time.
func (c *crowd) listingMemory(ctx context.Context, full int) (float64, error) {
	client, err := secrets.Open(c.store, c.root, nil) // remembers nothing yet
	if err != nil {
		return 0, err
	}
	org, err := client.Organization(ctx, "acme")
	if err != nil {
		return 0, err
	}
	listed, early, most := 0, 0.0, 0.0
	for _, err := range org.Secrets(ctx, nil) {
		if err != nil {
			return 0, err
		}
		switch listed++; {
		case listed == full: // by now it remembers as many versions as it ever will
			early = heap()
		case listed%(c.others/20) == 0 && early > 0:
			most = max(most, grown(early))
		}
	}
	if listed != c.others+variables {
		return 0, errCount
	}
	return most, nil
}

var bulkMemory = study{
	name: "memory/bulk", unit: byteCount,
	claims: []claim{{work: "Growth of the heap while 100,000 secrets are created, after the first 140,000", other: "4 MiB", most: 1}},
	setup: func(l *lab) (*race, error) {
		a, err := l.acme("sqlite")
		if err != nil {
			return nil, err
		}
		created := 0
		create := func(n int) error {
			for until := created + n; created < until; {
				if err := l.createStep(a, &created); err != nil {
					return err
				}
			}
			return nil
		}
		if err := create(l.full()); err != nil {
			return nil, err
		}
		return &race{turns: 1, once: true, close: closer(a.store), ways: []way{
			{"ours", func(context.Context) (float64, error) {
				before := heap()
				err := create(l.hundredThousand())
				return grown(before), err
			}},
			fixed("4 MiB", 4<<20),
		}}, nil
	},
}
