// Command setec opens setec's database in a folder, as its server does, and puts
// what the names beside it are into the environment.
package main

import (
	"log"
	"os"
	"path/filepath"
	"strings"

	"github.com/seed-9f6dc42a/secrets/bench/peers/internal/setecfile"
)

func main() {
	if err := run(os.Args[1]); err != nil {
		log.Fatal(err)
	}
}

func run(dir string) error {
	names, err := os.ReadFile(filepath.Join(dir, "names"))
	if err != nil {
		return err
	}
	db, err := setecfile.Open(dir)
	if err != nil {
		return err
	}
	for _, name := range strings.Fields(string(names)) {
		value, err := db.Get(setecfile.Caller, name)
		if err != nil {
			return err
		}
		if err := os.Setenv(name, string(value.Value)); err != nil {
			return err
		}
	}
	return nil
}
