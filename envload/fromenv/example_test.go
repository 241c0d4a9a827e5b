package fromenv_test

import (
	"context"
	"flag"
	"fmt"
	"log"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/crypto"
	"github.com/seed-9f6dc42a/secrets/envload/fromenv"
)

// An administrator's program that works on any store.
func ExampleOpen() {
	location := flag.String("store", "sqlite:secrets.db", "sqlite:path, postgres://… or etcd://host1,host2/prefix")
	flag.Parse()
	ctx := context.Background()
	store, err := fromenv.Open(ctx, *location)
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()
	root, err := crypto.KeyFile("root.key")
	if err != nil {
		log.Fatal(err)
	}
	client, err := secrets.Open(store, root, nil)
	if err != nil {
		log.Fatal(err)
	}
	for org, err := range client.Organizations(ctx, nil) {
		fmt.Println(org.Name, err)
	}
}
