//go:build unix

package crypto_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/tink-crypto/tink-go/v2/testing/fakekms"

	"github.com/seed-9f6dc42a/secrets/crypto"
)

// A program gives the root to secrets.Open. The first start makes the key, and
// every later one finds it.
func ExampleKeyFile() {
	dir, err := os.MkdirTemp("", "platform") // in a program, not beside the database
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "root.json")

	if _, err := crypto.KeyFile(path); err != nil {
		log.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(info.Mode())
	// Output: -rw-------
}

// A key file that somebody else could have put there is refused.
func ExampleKeyFileError() {
	dir, err := os.MkdirTemp("", "platform")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "root.json")
	if err := os.Symlink("elsewhere.json", path); err != nil {
		log.Fatal(err)
	}

	_, err = crypto.KeyFile(path)
	var refused *crypto.KeyFileError
	if errors.As(err, &refused) {
		fmt.Println(filepath.Base(refused.Path), refused.Reason)
	}
	// Output: root.json is a symbolic link, which is not followed; name the file that it leads to
}

// Any KMS that Tink has a client for is a root. This one is Tink's own for
// tests; those of the clouds have the same methods.
func ExampleFromTink() {
	ctx := context.Background()
	uri, err := fakekms.NewKeyURI() // such as aws-kms://arn:aws:kms:...
	if err != nil {
		log.Fatal(err)
	}
	client, err := fakekms.NewClient(uri)
	if err != nil {
		log.Fatal(err)
	}
	kms, err := client.GetAEAD(uri)
	if err != nil {
		log.Fatal(err)
	}
	root := crypto.FromTink(kms)

	wrapped, err := root.Wrap(ctx, []byte("keyset"), []byte("acme"))
	if err != nil {
		log.Fatal(err)
	}
	keyset, err := root.Unwrap(ctx, wrapped, []byte("acme"))
	fmt.Printf("%s %v\n", keyset, err)
	// Output: keyset <nil>
}

// A client that takes a context is the better root: a call that hangs ends
// with the context.
func ExampleFromTinkWithContext() {
	uri, err := fakekms.NewKeyURI()
	if err != nil {
		log.Fatal(err)
	}
	kms, err := fakekms.NewAEADWithContext(uri)
	if err != nil {
		log.Fatal(err)
	}
	root := crypto.FromTinkWithContext(kms)

	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = root.Wrap(ctx, []byte("keyset"), []byte("acme"))
	fmt.Println(errors.Is(err, context.Canceled))
	// Output: true
}

// While a root is replaced, what the old one has wrapped still opens, and what
// is wrapped from now on opens without it.
func ExampleRoots() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "platform")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	old, err := crypto.KeyFile(filepath.Join(dir, "root-2025.json"))
	if err != nil {
		log.Fatal(err)
	}
	fresh, err := crypto.KeyFile(filepath.Join(dir, "root-2026.json"))
	if err != nil {
		log.Fatal(err)
	}
	keyset, err := crypto.NewKeyset() // of an organization: the engine makes it
	if err != nil {
		log.Fatal(err)
	}
	acme := crypto.OrganizationBinding{OrganizationID: crypto.NewID(), Organization: "acme", Serial: 1}
	stored, err := keyset.Wrap(ctx, old, acme)
	if err != nil {
		log.Fatal(err)
	}

	root := crypto.Roots(fresh, old)
	keyset, err = crypto.UnwrapKeyset(ctx, root, stored, acme)
	if err != nil {
		log.Fatal(err)
	}
	acme.Serial++
	stored, err = keyset.Wrap(ctx, root, acme)
	if err != nil {
		log.Fatal(err)
	}
	_, err = crypto.UnwrapKeyset(ctx, fresh, stored, acme)
	fmt.Println(err)
	// Output: <nil>
}
