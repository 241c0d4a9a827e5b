// Command setecclient fetches the secrets that the names in a folder are from a
// server of setec, by the store of its client library, into the environment.
package main

import (
	"context"
	"log"
	"os"
	"path/filepath"
	"strings"

	"github.com/tailscale/setec/client/setec"
)

func main() {
	if err := run(os.Args[1], os.Args[2]); err != nil {
		log.Fatal(err)
	}
}

func run(dir, server string) error {
	data, err := os.ReadFile(filepath.Join(dir, "names"))
	if err != nil {
		return err
	}
	names := strings.Fields(string(data))
	store, err := setec.NewStore(context.Background(), setec.StoreConfig{
		Client: setec.Client{Server: server}, Secrets: names, Logf: func(string, ...any) {},
	})
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := os.Setenv(name, store.Secret(name).GetString()); err != nil {
			return err
		}
	}
	return store.Close()
}
