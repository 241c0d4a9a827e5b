package main

import (
	"fmt"
	"os/exec"
	"strings"
)

// committed returns the commit that is checked out, and an error if a file
// differs from it: nobody could run again what was run.
func committed() (string, error) {
	status, err := git("status", "--porcelain")
	if err == nil {
		err = clean(status)
	}
	if err != nil {
		return "", err
	}
	commit, err := git("rev-parse", "--short=12", "HEAD")
	return strings.TrimSpace(commit), err
}

// clean returns an error if git status has any file but the results and the page.
func clean(status string) error {
	for line := range strings.Lines(status) {
		what, file, _ := strings.Cut(strings.TrimSpace(line), " ")
		if file = strings.TrimSpace(file); file != resultsFile && file != pageFile {
			return fmt.Errorf("not committed: %s %s", what, file)
		}
	}
	return nil
}

func git(args ...string) (string, error) {
	out, err := exec.Command("git", args...).Output()
	if err != nil {
		return "", fmt.Errorf("git %s: %w", args[0], err)
	}
	return string(out), nil
}
