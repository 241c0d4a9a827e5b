package main

// A request is one line of JSON on stdin; a response, one on stdout. Bytes are
// base64, as encoding/json writes them.
type request struct {
	Op             string // new, encrypt or decrypt
	Template       string // of new
	Keyset         []byte // cleartext, JSON; of encrypt and decrypt
	Input          []byte
	AssociatedData []byte
}

type response struct {
	Output []byte // a keyset, a ciphertext or a plaintext
	Error  string
}
