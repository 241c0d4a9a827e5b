// Command gocloud opens a file of values, each encrypted by a keeper with a local
// key, and puts them into the environment.
package main

import (
	"context"
	"encoding/json"
	"log"
	"os"
	"path/filepath"

	"gocloud.dev/secrets"
	_ "gocloud.dev/secrets/localsecrets"
)

func main() {
	if err := run(context.Background(), os.Args[1]); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, dir string) error {
	key, err := os.ReadFile(filepath.Join(dir, "keeper.url"))
	if err != nil {
		return err
	}
	data, err := os.ReadFile(filepath.Join(dir, "keeper.json"))
	if err != nil {
		return err
	}
	var sealed map[string][]byte
	if err := json.Unmarshal(data, &sealed); err != nil {
		return err
	}
	keeper, err := secrets.OpenKeeper(ctx, string(key))
	if err != nil {
		return err
	}
	for name, ciphertext := range sealed {
		value, err := keeper.Decrypt(ctx, ciphertext)
		if err != nil {
			return err
		}
		if err := os.Setenv(name, string(value)); err != nil {
			return err
		}
	}
	return keeper.Close()
}
