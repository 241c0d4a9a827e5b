// Command bench measures the engine beside the same work written by hand, and
// beside its peers, turn by turn in one run, and writes what came out to
// docs/performance.md. Times of a machine are noise: every target is a ratio of
// two things that were measured in the same run.
//
//	go run .                 everything, about five minutes; writes the page
//	go run . -quick          less of it, some minutes; prints only
//	go run . -only start     the studies whose names match; prints only
//	go run . -list           their names
//	go run . -render         writes the page anew, from docs/performance.json
//
// It needs PostgreSQL's programs on the machine; etcd and the peers are built
// from the module proxy, once.
//
// A line of the page is a claim of a study (study.go): to add one, write a study
// and name it in studies.go.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"syscall"
	"time"
)

func main() {
	log.SetFlags(0)
	var c config
	only := flag.String("only", "", "regular `expression`: measure the studies whose name matches, and print")
	flag.IntVar(&c.rounds, "rounds", 9, "how often everything is measured")
	flag.BoolVar(&c.quick, "quick", false, "smaller stores, less time for each study")
	flag.StringVar(&c.docs, "docs", "", "`folder` for the page, also if not everything is measured (default ../docs, if it is)")
	flag.StringVar(&c.profile, "profile", "", "`file` for a CPU profile of all that is measured in this process")
	list := flag.Bool("list", false, "print the names of the studies")
	render := flag.Bool("render", false, "write the page from what was measured before")
	flag.Parse()
	var err error
	if c.only, err = regexp.Compile(*only); err != nil {
		log.Fatal(err)
	}
	if c.docs == "" && (*render || *only == "" && !c.quick) {
		c.docs = filepath.Join("..", "docs")
	}

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	switch {
	case *list:
		err = printNames(os.Stdout)
	case *render:
		err = renderAgain(c.docs)
	default:
		err = run(ctx, c, os.Stdout)
	}
	stop()
	if err != nil {
		log.Fatal(err)
	}
}

// config is what the flags say.
type config struct {
	rounds  int
	quick   bool
	only    *regexp.Regexp
	docs    string // empty: only print
	profile string
}

func printNames(w io.Writer) error {
	for _, s := range studies {
		if _, err := fmt.Fprintln(w, s.name); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintln(w, sizes)
	return err
}

func renderAgain(docs string) error {
	r, err := readReport(docs)
	if err != nil {
		return err
	}
	return r.write(docs)
}

// run measures, prints, and writes the page if there is a folder for it.
func run(ctx context.Context, c config, w io.Writer) error {
	began := time.Now()
	l, err := newLab(ctx, c)
	if err != nil {
		return err
	}
	defer l.close()
	stop, err := startProfile(c.profile)
	if err != nil {
		return err
	}
	r, err := measureAll(l, w)
	stop()
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "\n%d of %d targets met; %s in all\n", r.met(), len(r.verdicts()), time.Since(began).Round(time.Second))
	if c.docs == "" {
		return nil
	}
	return r.write(c.docs)
}
