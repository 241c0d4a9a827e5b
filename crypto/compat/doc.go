// Package compat proves, in both directions, that keysets and ciphertexts of
// github.com/google/tink/go v1.7.0, the import path that Tink had until 2023,
// work as roots of the secrets engine.
//
// It is a module of its own, so that users never download the old library. No
// program may link both libraries: they register the same protobuf names, and
// the program panics at start. Therefore each lives in a process of its own:
//
//	old/    a program with the old library, driven over stdin and stdout
//	both/   a program with both, which must panic; the day it does not, the
//	        separation is no longer needed
//	tests   with package crypto, and so with the new library
//
// Run it with go test ./... in this directory.
package compat
