package etcd_test

import (
	"context"
	"fmt"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// BenchmarkByHand does with the client what the parts of BenchmarkStore of the
// same names do with the driver.
func BenchmarkByHand(b *testing.B) {
	client, prefix := shared(b)
	var keys []string
	for i := range 1000 {
		keys = append(keys, fmt.Sprintf("%s%06d", prefix, i))
		if _, err := client.Put(b.Context(), keys[i], string(make([]byte, 500))); err != nil {
			b.Fatal(err)
		}
	}
	for name, call := range map[string]func(context.Context) error{
		"Get50": func(ctx context.Context) error {
			var ops []clientv3.Op
			for _, key := range keys[:50] {
				ops = append(ops, clientv3.OpGet(key))
			}
			_, err := client.Txn(ctx).Then(ops...).Commit()
			return err
		},
		"List50": func(ctx context.Context) error {
			_, err := client.Get(ctx, prefix+"0003", clientv3.WithPrefix(), clientv3.WithLimit(50))
			return err
		},
		"Commit1":  func(ctx context.Context) error { return replace(ctx, client, keys[:1]) },
		"Commit11": func(ctx context.Context) error { return replace(ctx, client, keys[:11]) },
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if err := call(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func replace(ctx context.Context, client *clientv3.Client, keys []string) error {
	now, err := client.Get(ctx, keys[0])
	if err != nil {
		return err
	}
	var ops []clientv3.Op
	for _, key := range keys {
		ops = append(ops, clientv3.OpPut(key, string(make([]byte, 500))))
	}
	unchanged := clientv3.Compare(clientv3.ModRevision(keys[0]), "=", now.Kvs[0].ModRevision)
	done, err := client.Txn(ctx).If(unchanged).Then(ops...).Commit()
	if err == nil && !done.Succeeded {
		return fmt.Errorf("%s was changed meanwhile", keys[0])
	}
	return err
}
