// Command etcdserver is etcd for the tests of this repository. It is a module
// of its own, so that nobody who uses the library downloads a server.
package main

import (
	"io"
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
)

func main() {
	go endWithParent()
	etcdmain.Main(os.Args)
}

// endWithParent ends the server when standard input does, and removes its
// folder: the test that has started it holds the other end, and may be killed
// at any time.
func endWithParent() {
	_, _ = io.Copy(io.Discard, os.Stdin)
	_ = os.RemoveAll(os.Getenv("SECRETS_TEST_ETCD_FOLDER"))
	os.Exit(0)
}
