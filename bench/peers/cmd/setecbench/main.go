// Command setecbench has setec's database in a folder measured: it answers each
// line of its input with a line, the nanoseconds that it took.
//
//	put          one put of a new version
//	reads N      the 99th percentile of N reads
//	busy N       the same while somebody puts all the time
package main

import (
	"bufio"
	"fmt"
	"log"
	"os"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/tailscale/setec/db"

	"github.com/seed-9f6dc42a/secrets/bench/peers/internal/setecfile"
)

func main() {
	if err := run(os.Args[1], os.Args[2]); err != nil {
		log.Fatal(err)
	}
}

func run(dir, name string) error {
	database, err := setecfile.Open(dir)
	if err != nil {
		return err
	}
	b := &bench{db: database, name: name}
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		took, err := b.do(lines.Text())
		if err != nil {
			return err
		}
		fmt.Println(took.Nanoseconds())
	}
	return nil
}

type bench struct {
	db   *db.DB
	name string
	puts int
}

func (b *bench) do(line string) (time.Duration, error) {
	var what string
	var n int
	if _, err := fmt.Sscan(line, &what, &n); err != nil && what != "put" {
		return 0, err
	}
	switch what {
	case "put":
		start := time.Now()
		err := b.put()
		return time.Since(start), err
	case "reads":
		return b.reads(n)
	default:
		return b.busy(n)
	}
}

// put puts a value that was not there before: setec leaves the file alone
// otherwise.
func (b *bench) put() error {
	b.puts++
	_, err := b.db.Put(setecfile.Caller, b.name, []byte("value "+strconv.Itoa(b.puts)))
	return err
}

func (b *bench) reads(n int) (time.Duration, error) {
	took := make([]time.Duration, n)
	for i := range took {
		start := time.Now()
		if _, err := b.db.Get(setecfile.Caller, b.name); err != nil {
			return 0, err
		}
		took[i] = time.Since(start)
		time.Sleep(100 * time.Microsecond) // or a reader would never let the writer in
	}
	slices.Sort(took)
	return took[n*99/100], nil
}

func (b *bench) busy(n int) (time.Duration, error) {
	done := make(chan struct{})
	var writer sync.WaitGroup
	var failed error
	writer.Go(func() {
		for failed == nil {
			select {
			case <-done:
				return
			default:
				failed = b.put()
			}
		}
	})
	took, err := b.reads(n)
	close(done)
	writer.Wait()
	if err == nil {
		err = failed
	}
	return took, err
}
