//go:build !goexperiment.runtimesecret

package crypto

// erasing runs f. A build with GOEXPERIMENT=runtimesecret also erases the
// stack, registers and garbage that f leaves.
func erasing(f func()) { f() }
