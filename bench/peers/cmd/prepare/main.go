// Command prepare reads a dotenv file, and writes what it holds into a folder as
// each of the peers has it. With a number, setec's database gets so many other
// secrets, and nothing else is written.
package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"filippo.io/age"
	"github.com/joho/godotenv"
	"gocloud.dev/secrets"
	_ "gocloud.dev/secrets/localsecrets"

	"github.com/seed-9f6dc42a/secrets/bench/peers/internal/setecfile"
)

func main() {
	if err := run(context.Background(), os.Args[1], os.Args[2], os.Args[3:]); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, file, dir string, others []string) error {
	values, err := godotenv.Read(file)
	if err != nil {
		return err
	}
	if len(others) > 0 {
		n, err := strconv.Atoi(others[0])
		if err != nil {
			return err
		}
		for i := range n {
			values[fmt.Sprintf("secret-%07d", i)] = "postgres://user:correct-horse@database.internal:5432/main"
		}
		return setecfile.Write(dir, values)
	}
	names := strings.Join(slices.Sorted(maps.Keys(values)), "\n")
	if err := os.WriteFile(filepath.Join(dir, "names"), []byte(names), 0o600); err != nil {
		return err
	}
	if err := setecfile.Write(dir, values); err != nil {
		return err
	}
	if err := sealForKeeper(ctx, dir, values); err != nil {
		return err
	}
	return newAgeKey(dir)
}

func sealForKeeper(ctx context.Context, dir string, values map[string]string) error {
	key := make([]byte, 32)
	rand.Read(key) // never fails: the program ends instead
	url := "base64key://" + base64.URLEncoding.EncodeToString(key)
	keeper, err := secrets.OpenKeeper(ctx, url)
	if err != nil {
		return err
	}
	defer keeper.Close()
	sealed := map[string][]byte{}
	for name, value := range values {
		if sealed[name], err = keeper.Encrypt(ctx, []byte(value)); err != nil {
			return err
		}
	}
	data, err := json.Marshal(sealed)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "keeper.json"), data, 0o600); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "keeper.url"), []byte(url), 0o600)
}

// newAgeKey writes a key for SOPS, and the recipient that it belongs to.
func newAgeKey(dir string) error {
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "age.key"), []byte(identity.String()+"\n"), 0o600); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "age.recipient"), []byte(identity.Recipient().String()), 0o600)
}
