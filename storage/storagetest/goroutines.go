package storagetest

import (
	"bytes"
	"context"
	"fmt"
	"runtime/pprof"
	"strings"
)

// goroutineLabel marks the goroutines of one trial. A goroutine inherits the
// labels of the one that started it, so trials that run in parallel can be
// told apart, which their number alone cannot.
const goroutineLabel = "storagetest"

// watchGoroutines fails the trial if goroutines that it started remain after
// everything is closed. It is called first, so that its cleanup runs last.
func (t *trial) watchGoroutines() {
	mark := pprof.WithLabels(context.Background(), pprof.Labels(goroutineLabel, t.name))
	pprof.SetGoroutineLabels(mark)
	t.Cleanup(func() {
		pprof.SetGoroutineLabels(context.Background())
		left := func() bool { n, _ := t.goroutines(); return n == 0 }
		if !t.eventually("all goroutines of the case have ended", left) {
			_, stacks := t.goroutines()
			t.Logf("these remain:\n%s", stacks)
		}
	})
}

// goroutines counts the goroutines of this trial, the caller's included while
// the trial runs.
func (t *trial) goroutines() (count int, stacks string) {
	var profile bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&profile, 1); err != nil {
		t.Errorf("goroutine profile: %v", err)
	}
	mark := fmt.Sprintf("%q:%q", goroutineLabel, t.name)
	_, records, _ := strings.Cut(profile.String(), "\n") // the first line is the total
	for record := range strings.SplitSeq(records, "\n\n") {
		if !strings.Contains(record, mark) {
			continue
		}
		n := 0
		if _, err := fmt.Sscanf(record, "%d @", &n); err != nil {
			t.Errorf("goroutine profile: no count in %q", record)
		}
		count += n
		stacks += record + "\n\n"
	}
	return count, stacks
}
