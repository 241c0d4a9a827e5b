// Package kms shows how the key of a KMS becomes the root of the secrets
// engine, and proves that it is one. It has no code of its own: copy from
//
//	vault_test.go   HashiCorp Vault and OpenBao, secrets engine transit
//	aws_test.go     AWS KMS
//	google_test.go  Google Cloud KMS
//	outage_test.go  around each: which failures of the KMS are outages
//
// The tests need no network and no account. Each starts a small server on the
// loopback, which speaks the protocol of its KMS to the real client library,
// and which refuses what its KMS refuses: another key, other associated data,
// a caller without credentials.
//
// It is a module of its own, so that users never download the clients of a KMS
// that they do not have. Run it with go test ./... in this directory.
package kms
