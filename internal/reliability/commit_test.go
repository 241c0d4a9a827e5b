package main

import (
	"strings"
	"testing"
)

func TestAFileThatIsNotCommittedIsAnError(t *testing.T) {
	t.Parallel()
	for status, want := range map[string]string{
		"": "", " M docs/reliability.json\n M docs/reliability.md\n": "", "MM docs/reliability.md\n": "",
		" M docs/reliability.md\n M get.go\n": "get.go", "?? new.go\n": "new.go", "R  docs/reliability.md -> get.go\n": "get.go",
	} {
		err := clean(status)
		if (err != nil) != (want != "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v", status, err)
		}
	}
}
