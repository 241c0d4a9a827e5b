//go:build goexperiment.runtimesecret

package crypto

import "runtime/secret"

// erasing runs f and erases the stack, registers and garbage that it leaves.
func erasing(f func()) { secret.Do(f) }
