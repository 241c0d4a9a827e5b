package crypto

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/aead/aesctrhmac"
	"github.com/tink-crypto/tink-go/v2/aead/aesgcm"
	"github.com/tink-crypto/tink-go/v2/aead/aesgcmsiv"
	"github.com/tink-crypto/tink-go/v2/aead/chacha20poly1305"
	"github.com/tink-crypto/tink-go/v2/aead/xaesgcm"
	"github.com/tink-crypto/tink-go/v2/aead/xchacha20poly1305"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
)

// maxKeyFile is the size in bytes above which a file is not a key file.
const maxKeyFile = 64 << 10

// maxPath is the size in bytes above which Linux takes no path.
const maxPath = 4096

// A KeyFileError says why a key file was refused. It never carries what the
// file holds.
type KeyFileError struct {
	Path   string // empty if what was given is no path, but perhaps a key
	Reason string // what is wrong, and what to do
	Err    error  // of the operating system, or nil
}

func (e *KeyFileError) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("key file %q: %s", e.Path, e.Reason)
	}
	return fmt.Sprintf("key file %q: %s: %v", e.Path, e.Reason, e.Err)
}

// Unwrap returns the error of the operating system, or nil.
func (e *KeyFileError) Unwrap() error { return e.Err }

// KeyFile returns the root that is the key in the file at path: a Tink keyset
// in JSON, in the clear, as tinkey writes it. It may hold several keys, of which
// the primary wraps and every enabled one unwraps; all must be symmetric AEAD
// keys of Tink's own.
//
// A missing file is made, with one AES-256-GCM key (the one that every release
// of Tink in every language reads) and mode 0600, in a directory that exists.
// Any number of processes may do so at once and get the same key; one that is
// there is never overwritten. Keep a copy of the file elsewhere: without it
// everything is lost.
//
// A mistyped path therefore makes a new key. It does not open the organizations
// that exist, which is [ErrWrongRoot] when one is used. In a database without
// any, nothing notices: what is created then belongs to the new key.
//
// Any other fault is a [*KeyFileError]: the file is a symbolic link or no
// regular file, the group or others may read or write it, it belongs to neither
// the effective user nor root, it is empty, larger than 64 KiB, or not such a
// keyset. The file is read once. A path that begins with a brace, holds a newline
// or is longer than 4,096 bytes is refused as well, and not repeated: it may be
// the keyset itself.
//
// Key files are for Unix. Elsewhere, on Windows too, it cannot be told who may
// read a file: every path is refused, with a KeyFileError that is
// [errors.ErrUnsupported], and nothing is read or made. Use a KMS there.
func KeyFile(path string) (Root, error) {
	if fault := pathFault(path); fault != "" {
		return nil, &KeyFileError{Reason: fault}
	}
	root, err := readKeyFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return createKeyFile(path)
	}
	return root, err
}

// pathFault returns why path is not looked at, and not repeated in the error.
// An empty one would have a key made in the current folder; and a variable that
// was to name the file may hold the key itself, as JSON or as the bytes of a
// keyset, in which the parts are set off by what is a newline in text.
func pathFault(path string) string {
	switch {
	case path == "":
		return "has no path; name the file"
	case strings.HasPrefix(strings.TrimSpace(path), "{"), strings.Contains(path, "\n"), len(path) > maxPath:
		return "is given by what it seems to hold; put that into a file of mode 0600, and name the file"
	default:
		return ""
	}
}

func readKeyFile(path string) (Root, error) {
	data, err := readPrivate(path)
	if err != nil {
		return nil, err
	}
	defer clear(data)
	root, fault := parseKeyFile(data)
	if fault != "" {
		return nil, &KeyFileError{Path: path, Reason: fault}
	}
	return root, nil
}

// readPrivate reads the file at path once it is sure that nobody else may. The
// caller clears the bytes.
func readPrivate(path string) ([]byte, error) {
	file, err := openNoFollow(path)
	if err != nil {
		return nil, openError(path, err)
	}
	defer file.Close()
	info, err := file.Stat() // of the open file: the path may change meanwhile
	if err != nil {
		return nil, ioError(path, "cannot be examined", err)
	}
	if fault := privacyFault(path, info, os.Geteuid()); fault != "" {
		return nil, &KeyFileError{Path: path, Reason: fault}
	}
	buf := make([]byte, maxKeyFile+1) // whole, so that growing leaves no copies
	n, err := io.ReadFull(file, buf)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		clear(buf)
		return nil, ioError(path, "cannot be read", err)
	}
	return buf[:n], nil
}

func openError(path string, err error) error {
	if info, lerr := os.Lstat(path); lerr == nil && info.Mode().Type() == fs.ModeSymlink {
		return &KeyFileError{Path: path, Reason: "is a symbolic link, which is not followed; name the file that it leads to"}
	}
	return ioError(path, "cannot be opened", err)
}

// ioError keeps the error of the operating system and drops the path that
// package os puts before it.
func ioError(path, reason string, err error) error {
	var pathErr *fs.PathError
	var linkErr *os.LinkError
	switch {
	case errors.As(err, &pathErr):
		err = pathErr.Err
	case errors.As(err, &linkErr):
		err = linkErr.Err
	}
	return &KeyFileError{Path: path, Reason: reason, Err: err}
}

func parseKeyFile(data []byte) (Root, string) {
	if len(data) == 0 {
		return nil, "is empty; restore it from its copy, or remove it to have a new key made if there is no organization yet"
	}
	if len(data) > maxKeyFile {
		return nil, "is larger than 64 KiB; check the path"
	}
	handle, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewReader(data)))
	if err != nil {
		return nil, "is not a cleartext Tink keyset in JSON; check the path, or restore the file from its copy" // alone: the parser quotes the file
	}
	if !isLocalAEAD(handle) {
		return nil, "holds a key that is not a symmetric AEAD key; take a keyset of AES256_GCM"
	}
	a, err := aead.New(handle)
	if err != nil {
		return nil, "holds a key that cannot be used; restore the file from its copy" // alone: the parser may quote the key
	}
	return FromTink(a), ""
}

// isLocalAEAD reports whether every key, also a disabled one, is a symmetric
// AEAD key whose bytes are in the keyset: no public key, and no reference to
// another key in a KMS.
func isLocalAEAD(handle *keyset.Handle) bool {
	for i := range handle.Len() {
		entry, err := handle.Entry(i)
		if err != nil {
			return false
		}
		switch entry.Key().(type) {
		case *aesgcm.Key, *xaesgcm.Key, *aesgcmsiv.Key, *aesctrhmac.Key,
			*chacha20poly1305.Key, *xchacha20poly1305.Key:
		default:
			return false
		}
	}
	return true
}

// createKeyFile makes the file if there is still none, then reads what is
// there, be it ours or that of a process which was faster.
func createKeyFile(path string) (Root, error) {
	dir := filepath.Dir(path)
	if err := linkNewKey(path, dir); err != nil {
		return nil, ioError(path, createReason(err), err)
	}
	// Also if another process made it: from here on, what is wrapped by this
	// key must not outlive a loss of power that the key does not.
	if err := syncDir(dir); err != nil {
		return nil, ioError(path, "cannot be made durable", err)
	}
	return readKeyFile(path)
}

func createReason(err error) string {
	if errors.Is(err, fs.ErrNotExist) {
		return "cannot be created; make its folder first"
	}
	return "cannot be created"
}

// linkNewKey writes a new key to a file beside path and links it there. A link
// never overwrites and appears with its whole content, so that of any number
// of processes one wins and nobody reads half a key.
func linkNewKey(path, dir string) error {
	temp, err := os.CreateTemp(dir, ".secrets-key-*") // O_EXCL, 0600
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name())
	if err := writeNewKey(temp); err != nil {
		temp.Close()
		return err
	}
	if err := temp.Close(); err != nil {
		return err
	}
	if err := os.Link(temp.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

func writeNewKey(file *os.File) error {
	handle, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		return err
	}
	if err := file.Chmod(0o600); err != nil { // whatever the umask is
		return err
	}
	if err := insecurecleartextkeyset.Write(handle, keyset.NewJSONWriter(file)); err != nil {
		return err
	}
	return file.Sync()
}

func syncDir(dir string) error {
	file, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer file.Close()
	return file.Sync()
}
