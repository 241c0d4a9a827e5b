// Package torture holds tests that put the whole engine, over each of the
// drivers, under load and faults at once, and judge what its callers saw. It
// has no other code.
//
//   - Histories of concurrent operations are checked for linearizability, with
//     lost and refused commits, contexts that end, processes that die, and
//     servers that are killed or cut off from each other meanwhile.
//   - Random sequences of operations, tampering and crashes are held against a
//     small model, and shrunk when they fail.
//   - Servers are gone for a while, full, or out of connections.
//   - Many sessions read while an administrator updates without pause.
//
// To run it:
//
//	go test ./internal/torture
//	SECRETS_TEST_LONG=true go test -v ./internal/torture
//
// The second takes minutes. A history that is not linearizable is printed with
// the name of its subtest, whose number is the seed of everything that was
// drawn: to repeat it, run that subtest. Over memory the order of the calls is
// drawn too; over other stores it is theirs. With SECRETS_TEST_VISUALIZE=folder
// such a history is also written there, as a page for a browser.
package torture
