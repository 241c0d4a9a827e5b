package envload_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/seed-9f6dc42a/secrets/envload"
	"github.com/seed-9f6dc42a/secrets/secretstest"
)

// Rendered secrets were printed when something failed. Nothing is printed here,
// and neither error nor report holds a value; not parallel, since the standard
// files are taken.
func TestGHSA444V8VXRP36HAFailurePrintsNoValue(t *testing.T) {
	unset(t, "ENVLOAD_A")
	src := secretstest.Environment(t, vars{"ENVLOAD_A": canary, "ENVLOAD_B": canary})
	t.Setenv("ENVLOAD_B", "there already")
	type config struct {
		A int `env:"ENVLOAD_A"`
	}
	var texts []string
	printed := standardFiles(t, func() {
		for _, opts := range []*envload.Options{
			{Required: []string{"ENVLOAD_MISSING"}}, {Existing: envload.Fail}, {Base: []string{"=" + canary}},
		} {
			report, err := envload.Load(t.Context(), src, opts)
			_, environ := envload.Environ(t.Context(), src, opts)
			_, parse := envload.Parse[config](t.Context(), src, opts)
			if parse == nil || err == nil && environ == nil {
				t.Errorf("%+v: no error", opts.Required)
			}
			texts = append(texts, fmt.Sprintf("%+v %#v %v", report, report, errors.Join(err, environ, parse)))
		}
	})
	if printed != "" {
		t.Errorf("%d bytes were printed", len(printed))
	}
	if strings.Contains(strings.Join(texts, ""), canary) {
		t.Error("an error or report holds the value")
	}
}

// standardFiles returns what do writes to the standard output and error.
func standardFiles(t *testing.T, do func()) string {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, stderr := os.Stdout, os.Stderr
	os.Stdout, os.Stderr = w, w
	defer func() { os.Stdout, os.Stderr = stdout, stderr }()
	read := make(chan []byte)
	go func() {
		var all bytes.Buffer
		_, _ = io.Copy(&all, r)
		read <- all.Bytes()
	}()
	do()
	w.Close()
	return string(<-read)
}

// setenv beside a getenv of C crashes. So only Load sets variables, once; what
// goes on while the program runs leaves them alone.
func TestGolang63567WhatRunsInTheBackgroundSetsNoVariable(t *testing.T) {
	unset(t, "ENVLOAD_A")
	type config struct {
		A string `env:"ENVLOAD_A"`
	}
	src := secretstest.Environment(t, vars{"ENVLOAD_A": "one"})
	before := os.Environ()
	live, err := envload.Watch[config](t.Context(), src, nil)
	if err != nil || live.Get().A != "one" {
		t.Fatal(err)
	}
	if _, err := envload.Environ(t.Context(), src, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := envload.Parse[config](t.Context(), src, nil); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(os.Environ(), before) {
		t.Error("the environment of the process has changed")
	}
}
