package etcd_test

import (
	"context"
	"fmt"
	"log"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/seed-9f6dc42a/secrets/storage/etcd"
)

// A program gives the store to secrets.Open, and closes both when it ends, the
// store first.
func ExampleNew() {
	client, err := clientv3.New(clientv3.Config{
		Endpoints:            []string{"https://etcd-1:2379", "https://etcd-2:2379", "https://etcd-3:2379"},
		DialKeepAliveTime:    10 * time.Second,
		DialKeepAliveTimeout: 5 * time.Second,
	})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	store, err := etcd.New(client, "/secrets/", nil)
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()

	entries, err := store.Get(context.Background(), "greeting")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(entries))
}
