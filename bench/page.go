package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A row is a line of a Markdown table.
func row(cells ...string) string { return "| " + strings.Join(cells, " | ") + " |\n" }

// page returns the whole page.
func (r *report) page() string {
	return strings.Join([]string{
		r.heading(), r.targets(), r.reasons(), calls, r.peers(), r.binaries(), r.foreign(),
	}, "\n")
}

func (r *report) heading() string {
	how := ""
	if r.Quick {
		how = " in a quick run: smaller stores, less time for each line"
	}
	return fmt.Sprintf(`# Performance

Written by `+"`cd bench && go run .`"+`; not by hand. Measured on %s, of commit %s%s, with %s, on %s; %d rounds.

A figure is a median. What a line compares was measured in the same run, turn by turn, and the ratio is the median of the
rounds' ratios, with the least and the greatest behind it; whether a target is met goes by the median. A p99 is of 400 reads in
each round, and each round has one. Absolute times are this machine's, where clients and servers share two processors and talk over loopback; the ratios are
what is aimed at. "By hand" is a program that an engineer would write who needs this one thing: the same records and the same reads
of the same driver (of the raw client, for a start and for the 16 at once), raw Tink, and no check of anything
(`+"`bench/byhand`"+`). Every commit is
synced to the disk before it returns.
`, r.Date.Format("2 January 2006"), r.Commit, how, r.Go, r.Machine, r.Rounds)
}

// verdicts are those of all studies, in the order of the page.
func (r *report) verdicts() (all []verdict) {
	for _, s := range studies {
		if result := r.study(s.name); result != nil {
			all = append(all, result.verdicts(s)...)
		}
	}
	return all
}

func (r *report) targets() string {
	var b strings.Builder
	b.WriteString("## Targets\n\n")
	verdicts, all := r.verdicts(), 0
	for _, v := range verdicts {
		if v.met() {
			all++
		}
	}
	fmt.Fprintf(&b, "%d of %d are met. Why the others are not is below.\n\n", all, len(verdicts))
	b.WriteString(row("", "work", "ours", "compared with", "ratio", "target", "met") + row("---:", "---", "---:", "---", "---:", "---:", "---"))
	for i, v := range verdicts {
		met := "yes"
		if !v.met() {
			met = "**no**"
		}
		unit := v.study.Unit
		b.WriteString(row(fmt.Sprint(i+1), v.work, unit.format(v.ours), v.claim.other+": "+unit.format(v.other),
			fmt.Sprintf("%s (%s to %s)", number(v.ratio), number(v.low), number(v.high)), v.target(), met))
	}
	b.WriteString("\n![How much of each target its line uses up](performance/targets.svg)\n")
	return b.String()
}

// reasons say where our time goes, as far as it was measured.
func (r *report) reasons() string {
	var b strings.Builder
	b.WriteString("## Where the time goes\n\nMeasured by themselves in the same turns, as parts of our time:\n\n")
	for _, v := range r.verdicts() {
		if v.explain != nil {
			fmt.Fprintf(&b, "- %s: %s.\n", v.work, v.explain(v.study))
		}
	}
	b.WriteString(profiles)
	return b.String()
}

const profiles = `
From profiles and traces of 23 November 2026, which are not taken anew with the page:

- An environment in memory: Tink 36 %, CBOR 25 %, the reads 6 %, associated data 4 %, the Environment itself 3 %, digests 3 %, rollback detection
  2 %; the rest is copies and ids.
- A start: of the processor's time the Go runtime and the kernel take 34 %, the initialization of packages 19 %, nearly all of it
  Tink's and protobuf's, SQLite with its binding 27 %, Tink 6 %, CBOR 4 %, our own code 9 %. A third of all that is 640 page faults. setec
  has the same runtime and the same Tink, and decrypts one file: the difference is SQLite (1.2 ms), so it stays ahead of any start with a database.
- A creation: 20 µs of work where the caches of the processor are warm. Between waits for a disk they are not: SQLite's own commit,
  which shares them, is 20 µs slower after that work.
- An update: one read, which it has to make: whoever goes by what his last update has left is ahead of everybody who reads, and
  nobody else gets through (docs/decisions.md). Half of its own work is nine AES-GCM ciphers, five of them for the version that is kept;
  each grantee adds one, and a tag that is verified.
- The slowest reads beside a writer, SQLite: without a writer they are those that meet a garbage collection. With a writer of another
  file in the same process, who shares the two processors, they take 1.76 times as long, of the same file 1.86: a quarter
  of the environments find that something changed between their two reads of the store, and read a third time. None waited for a lock.
`

const calls = `
## Calls of the store

Where the database is far away these are the time. Tests hold them (` + "`budget_test.go`" + ` and others).

| operation | reads | commits |
| --- | ---: | ---: |
| ` + "`Connect`" + ` | 1 | |
| ` + "`Session.Environment`" + `, any number of secrets; so ` + "`Load`, `Parse` and `Environ`" + ` | 2, or 3 if something changed between them | |
| ` + "`Live.Get`, `Environment.Lookup`" + ` | | |
| ` + "`CreateSecret`" + ` after another call within ten seconds | | 1 |
| ` + "`UpdateSecret`" + ` of up to 48 grantees | 1, or 2 if they are not those of the last time | 1 |
| ` + "`SetSecret`" + ` of what it is already | 1 | |
| ` + "`RevealSecret`" + ` | 1 | |
| ` + "`Change`" + ` of up to 50 secrets | the same | 1 |
`

// peers compares all ways of the studies that others take part in.
func (r *report) peers() string {
	var b strings.Builder
	b.WriteString("## Peers\n\nAs their users would call them: other designs with the same result.\n")
	for _, part := range []struct{ study, title string }{
		{peers.name, "from the start of a program to its end, with the same 50 variables in its environment"},
		{flatBeside.name, "update of one of 100,000 secrets"},
		{setecReaders.name, "setec with 50,000 secrets: the slowest of 100 reads of one secret, one round"},
	} {
		s := r.study(part.study)
		if s == nil {
			continue
		}
		b.WriteString("\n" + row(part.title, "median", "compared with the first") + row("---", "---:", "---:"))
		for _, w := range s.Ways {
			b.WriteString(row(w.Name, s.Unit.format(median(w.Rounds)), number(s.figure(w.Name)/s.figure(s.Ways[0].Name))))
		}
	}
	b.WriteString(peersNote)
	return b.String()
}

const peersNote = `
![Process start](performance/start.svg)

What SOPS starts with the variables is ` + "`true`" + `: through a shell, or with ` + "`--same-process`" + ` in its own place. setec's database is opened with a local key in the place of a KMS; its client asks a server on loopback for
each secret, by HTTP. Versions are those of ` + "`bench/peers/go.mod`" + `. OpenBao is not measured: neither the Go module
proxy nor Debian has its server.
`

// binaries says what a user compiles and links.
func (r *report) binaries() string {
	var b strings.Builder
	b.WriteString("## Size\n\nThe smallest app for each driver (`bench/cmd/link`), linked with `-ldflags='-s -w'`.\n\n")
	b.WriteString(row("app with", "binary", "packages compiled", "of those, foreign", "foreign modules and their functions that are linked"))
	b.WriteString(row("---", "---:", "---:", "---:", "---"))
	for _, l := range r.Links {
		var modules []string
		for _, module := range slices.Sorted(maps.Keys(l.Modules)) {
			modules = append(modules, fmt.Sprintf("%s %d", module, l.Modules[module]))
		}
		b.WriteString(row(l.Name, byteCount.format(float64(l.Bytes)), fmt.Sprint(l.Packages), fmt.Sprint(l.Foreign), strings.Join(modules, ", ")))
	}
	return b.String()
}

// foreign says for which of the packages that we import few names are all we need.
// Those are compiled for others in any case, or they would be too much.
func (r *report) foreign() string {
	var b strings.Builder
	b.WriteString("Foreign packages that our files import, how many of their names those mention (methods not counted), and for which other\n" +
		"foreign package they would be compiled without us:\n\n")
	b.WriteString(row("package", "names", "", "compiled for") + row("---", "---:", "---", "---"))
	for _, u := range r.Usage {
		which := ""
		if len(u.Names) < 3 {
			which = "`" + strings.Join(u.Names, "`, `") + "`"
		}
		needed := "us alone"
		if u.Needed != "" {
			needed = "`" + u.Needed + "`"
		}
		b.WriteString(row("`"+u.Package+"`", fmt.Sprint(len(u.Names)), which, needed))
	}
	return b.String()
}
