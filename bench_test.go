package secrets

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/seed-9f6dc42a/secrets/crypto"
	"github.com/seed-9f6dc42a/secrets/storage"
	"github.com/seed-9f6dc42a/secrets/storage/memory"
	"github.com/seed-9f6dc42a/secrets/storage/sqlite"
)

// This file is inside the package, since the hand-written path needs the keys.

// BenchmarkEnvironmentOf50 measures Session.Environment beside the same reads,
// unwraps and decrypts written by hand, turn by turn, and reports the ratio.
func BenchmarkEnvironmentOf50(b *testing.B) {
	b.Run("memory", func(b *testing.B) { benchmarkEnvironment(b, memory.New()) })
	b.Run("sqlite", func(b *testing.B) {
		store, err := sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "secrets.db"), nil)
		if err != nil {
			b.Fatal(err)
		}
		benchmarkEnvironment(b, store)
	})
}

func benchmarkEnvironment(b *testing.B, store storage.Store) {
	defer store.Close()
	session := fifty(b, store)
	var ours, byHand time.Duration
	for b.Loop() {
		start := time.Now()
		env, err := session.Environment(b.Context())
		ours += time.Since(start)
		if err != nil || env.Len() != 50 {
			b.Fatal(err)
		}
		start = time.Now()
		values, err := environmentByHand(b.Context(), session)
		byHand += time.Since(start)
		if err != nil || len(values) != 50 {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(ours)/float64(byHand), "×by-hand")
	b.ReportMetric(float64(ours.Microseconds())/float64(b.N), "µs/ours")
}

func fifty(b *testing.B, store storage.Store) *Session {
	ctx := b.Context()
	root, err := crypto.KeyFile(filepath.Join(b.TempDir(), "root.json"))
	if err != nil {
		b.Fatal(err)
	}
	client, err := Open(store, root, nil)
	if err != nil {
		b.Fatal(err)
	}
	org, err := client.CreateOrganization(ctx, "acme")
	if err != nil {
		b.Fatal(err)
	}
	api, err := org.CreateService(ctx, "api")
	if err != nil {
		b.Fatal(err)
	}
	for i := range 50 {
		name := Name(fmt.Sprintf("secret-%d", i))
		if _, err := org.CreateSecret(ctx, name, Text("postgres://user:password@host/"+string(name))); err != nil {
			b.Fatal(err)
		}
		if _, err := api.Grant(ctx, name, ""); err != nil {
			b.Fatal(err)
		}
	}
	token, err := api.IssueToken(ctx)
	if err != nil {
		b.Fatal(err)
	}
	session, err := Connect(ctx, store, token)
	if err != nil {
		b.Fatal(err)
	}
	return session
}

// environmentByHand reads what Session.Environment reads, for somebody who
// knows that all is well: without checks of names, forms, ages or doubles.
func environmentByHand(ctx context.Context, s *Session) (map[string]string, error) {
	rows, err := s.store.List(ctx, rowPrefix(s.Organization(), s.Service()), "", storage.MaxList)
	if err != nil {
		return nil, err
	}
	prefix := len(rowPrefix(s.Organization(), s.Service()))
	keys := []string{s.tokenKey()}
	for _, row := range rows {
		keys = append(keys, secretKey(s.Organization(), Name(row.Key[prefix:])))
	}
	entries, err := s.store.Get(ctx, keys...)
	if err != nil {
		return nil, err
	}
	token, values := s.opened.record, make(map[string]string, len(rows))
	for i, e := range rows {
		var row rowRecord
		var secret secretRecord
		if err := cbor.Unmarshal(e.Value[2:], &row); err != nil {
			return nil, err
		}
		data := entries[i+1].Value
		if err := cbor.Unmarshal(data[2+int(data[1]):], &secret); err != nil {
			return nil, err
		}
		name := e.Key[prefix:]
		key, err := s.opened.key.UnwrapVersionKey(row.Wraps[0].Wrap, crypto.GrantBinding{
			OrganizationID: token.OrganizationID, Organization: string(s.Organization()),
			SecretID: secret.ID, Secret: name, Version: secret.Version, VersionKeyID: secret.KeyID,
			ServiceID: token.ServiceID, Service: string(s.Service()), ServiceKeyID: token.KeyID, Env: row.Env,
			Digest: crypto.DigestOf(secret.Ciphertext),
		})
		if err != nil {
			return nil, err
		}
		value, err := key.Decrypt(secret.Ciphertext, valueBinding(token.OrganizationID, Name(name), secret.ID, secret.Version))
		if err != nil {
			return nil, err
		}
		values[row.Env] = string(value)
	}
	return values, nil
}
