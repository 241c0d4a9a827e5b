// Command both links the old Tink library and the new one, and panics before
// main: that is what a test expects of it.
package main

import (
	"fmt"

	_ "github.com/google/tink/go/aead"
	_ "github.com/tink-crypto/tink-go/v2/aead"
)

func main() { fmt.Println("started") }
