// Package crypto has the [Root] under which the secrets engine keeps every
// other key. A program makes one and gives it to the engine:
//
//	root, err := crypto.KeyFile("/var/lib/app/root.json")  // a key in a file, made if there is none
//	root := crypto.FromTinkWithContext(kmsAEAD)            // a KMS with a Tink client
//	root := crypto.FromTink(kmsAEAD)                       // the same, without contexts
//	root := crypto.Roots(newRoot, oldRoot)                 // when a root is replaced
//
// What can go wrong with it is [KeyFileError], [ErrWrongRoot] and
// [ErrRootUnavailable].
//
// The rest is for the engine: all keys, and everything that is done with one.
// This is the only package that imports Tink, and what it offers is not Tink's
// API: each function does one step of the hierarchy below, and takes the
// binding that says for what.
//
// # Keys
//
// Each key opens only what is under it:
//
//	Root (KMS key or key file)
//	└─ Keyset, one an organization            XAES-256-GCM, may hold several keys
//	   ├─ ServiceKey, one a service           XAES-256-GCM
//	   │  └─ VersionKey: the grant            AES-256-GCM, one message
//	   ├─ TokenKey, up to 64 a service        XAES-256-GCM
//	   └─ VersionKey, one a secret version    AES-256-GCM, one message
//	TokenKey (the app has it)
//	└─ ServiceKey
//
// A value is encrypted once, under a VersionKey that is random for each attempt
// to write. The VersionKey is wrapped for the organization and for each granted
// service; so to hold a service's token is to be able to open exactly what was
// granted, whatever else of the database one holds.
//
// # Bindings
//
// Every wrap, ciphertext and tag is bound to what it is and where it belongs by
// a struct, one for each of eight kinds ([OrganizationBinding] to
// [TagBinding]), encoded into associated data, injectively, and never stored.
// Wraps of a VersionKey are bound to the SHA-256 of the ciphertext as well.
// That, and not the value's own binding, protects a reader from others who hold
// the VersionKey: GCM does not commit to its key or associated data, and its
// holder can find a second [ValueBinding] that one ciphertext opens under.
//
// # Formats
//
//	value      12 nonce | ciphertext | 16 tag                     len + 28 bytes
//	wrap       24 nonce | 32 key | 16 tag                         72 bytes, by service or token key
//	wrap       5 key prefix | 24 nonce | 32 key | 16 tag          77 bytes, by a Keyset
//	tag        5 key prefix | 24 nonce | 16 tag                   45 bytes, by a Keyset
//	keyset     root's ciphertext of: 32 digest | Tink keyset      see [Keyset.Wrap]
//	key file   Tink keyset, JSON, cleartext                       see [KeyFile]
//
// # Promises
//
// Whatever does not open is [ErrTampered] and nothing more; whatever a root
// does not open is [ErrWrongRoot], or [ErrRootUnavailable] if it is known that
// it could not be asked. No error or formatted value of this package carries a
// key, a value or what another library said about one, and it logs nothing. All
// types are safe for concurrent use. No function keeps or changes a slice that
// it is given; what a [Root] returns is cleared after use.
//
// # Limits
//
// Nothing here dates a ciphertext: an older one with its own binding opens. That
// is for the engine, which binds serials and versions. Go cannot promise to
// erase memory. Buffers of this package that held a key are cleared; Tink keeps
// copies as long as a key lives and leaves others to the garbage collector. A
// build with GOEXPERIMENT=runtimesecret (Go 1.26, Linux on amd64 and arm64)
// erases those as well where keys and values are opened.
package crypto
