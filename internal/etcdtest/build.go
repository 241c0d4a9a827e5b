package etcdtest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
)

// executable returns the path of the server. The go command does nothing if it
// is there and up to date.
var executable = sync.OnceValues(func() (string, error) {
	source, err := findSource()
	if err != nil {
		return "", err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	path := filepath.Join(cache, "seed-9f6dc42a-secrets", "etcdserver")
	if runtime.GOOS == "windows" {
		path += ".exe"
	}
	build := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", path, ".")
	build.Dir = source
	if output, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building etcd failed (%s=absent does without): %w\n%s", variable, err, output)
	}
	return path, nil
})

// findSource looks upwards from the folder of the test that is running.
func findSource() (string, error) {
	folder, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		source := filepath.Join(folder, "internal", "etcdserver")
		if _, err := os.Stat(filepath.Join(source, "go.mod")); err == nil {
			return source, nil
		}
		parent := filepath.Dir(folder)
		if parent == folder {
			return "", errors.New("internal/etcdserver not found: it is in the repository only, not in the module")
		}
		folder = parent
	}
}
