//go:build race

package secrets_test

// raceDetector reports whether the tests run under it. They then take many times
// as long.
const raceDetector = true
