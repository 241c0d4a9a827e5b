package main

import (
	"testing"

	"github.com/seed-9f6dc42a/secrets/internal/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }
