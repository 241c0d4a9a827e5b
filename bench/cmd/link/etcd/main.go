// Command etcd is the smallest app with etcd.
package main

import (
	"context"
	"log"
	"os"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/envload"
	"github.com/seed-9f6dc42a/secrets/storage/etcd"
)

func main() {
	ctx := context.Background()
	client, err := clientv3.New(clientv3.Config{Endpoints: os.Args[1:]})
	if err != nil {
		log.Fatal(err)
	}
	store, err := etcd.New(client, "secrets/", nil)
	if err != nil {
		log.Fatal(err)
	}
	token, err := envload.Token("SECRETS_TOKEN")
	if err != nil {
		log.Fatal(err)
	}
	session, err := secrets.Connect(ctx, store, token)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := envload.Load(ctx, session, nil); err != nil {
		log.Fatal(err)
	}
}
