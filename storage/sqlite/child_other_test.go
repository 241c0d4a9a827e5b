//go:build !linux

package sqlite_test

import "errors"

func limitFileSize(string) error { return errors.New("not on this system") }
