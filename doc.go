// Package secrets is an engine for the secrets of a platform: organizations
// hold secrets, services are granted them, and apps read them from their
// environment. It runs inside the program that imports it, on a store of the
// program's choice, and everything it stores is encrypted.
//
// # What to call first
//
// The administrator, who holds the root key:
//
//	client, err := secrets.Open(store, root, nil)
//	org, err := client.CreateOrganization(ctx, "acme") // client.Organization opens one
//	_, err = org.CreateSecret(ctx, "database-url", secrets.Text(url))
//	api, err := org.CreateService(ctx, "api")
//	_, err = api.Grant(ctx, "database-url", "") // as DATABASE_URL
//	token, err := api.IssueToken(ctx) // or IssueTokenUntil
//
// The app, which holds the token and nothing else:
//
//	session, err := secrets.Connect(ctx, store, token)
//	_, err = envload.Load(ctx, session, nil)
//	url := os.Getenv("DATABASE_URL")
//
// # Keys
//
// A grant is enforced by encryption. Each key opens only what is under it:
//
//	root (KMS key or key file)
//	└─ organization keyset
//	   ├─ key of one secret version
//	   └─ service key
//	      └─ key of one secret version: the grant
//	token (only the app has it)
//	└─ service key
//
// With the whole database in its hands an app opens what was granted to its
// service, and a row that was inserted, moved, swapped or edited opens nothing.
//
// # What is promised
//
// An [Environment] is a snapshot; values that were updated are seen by the next
// one. Nothing that is stored after [Service.Revoke], [Service.RevokeToken] or
// [Organization.DeleteSecret] has returned opens with anything that the revoked
// ever held. Every operation may be cancelled and repeated. Every change of a
// record is noticed ([ErrTampered]) or amounts to its deletion, or to the
// rollback of all records of one secret, or of one service, together. No error,
// log line or printed value of this package carries a value, a key or a token.
//
// # What is not
//
// Whoever runs the database can put all of it back to an older state, and one
// who can write to it can do so with one secret or service, as far as no running
// process has seen the newer state: give apps a role that only reads. Names,
// sizes, times and who is granted what are not encrypted. What an app does with
// a value that it has read, and who reads the process's memory, is beyond this
// package.
//
// # Concurrency
//
// All types are safe for concurrent use, and no call leaves a goroutine behind.
// The zero Client, Organization, Service and Session must not be used.
package secrets
