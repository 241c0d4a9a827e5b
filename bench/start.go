package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// start measures a program from its start to its end: it has its variables
// then.
var start = study{
	name: "start", unit: nanoseconds,
	claims: []claim{{
		work: "Process start to 50 variables in its environment, SQLite", other: "by hand", most: 1.5,
		explain: shares("an empty program"),
	}},
	setup: func(l *lab) (*race, error) {
		c, err := l.crowd(0)
		if err != nil {
			return nil, err
		}
		ways, err := l.programs3(c)
		return &race{ways: ways}, err
	},
}

// programs3 are an app of ours, one by hand, and one that does nothing.
func (l *lab) programs3(c *crowd) (ways []way, err error) {
	ours, err := l.program("ours")
	if err != nil {
		return nil, err
	}
	hand, err := l.program("byhand")
	if err != nil {
		return nil, err
	}
	empty, err := l.program("empty")
	if err != nil {
		return nil, err
	}
	token := []string{"SECRETS_TOKEN=" + c.token.Reveal()}
	return []way{
		started("ours", ours, token, c.file),
		started("by hand", hand, token, c.file),
		started("an empty program", empty, nil),
	}, nil
}

// startInCrowd measures whether what exists makes a start slower.
var startInCrowd = study{
	name: "start/crowd", unit: nanoseconds,
	claims: []claim{
		{work: "The same, with 1,000 other secrets in the store", ours: "beside 1,000", other: "alone", most: 1.2},
		{work: "The same, with 1,000,000", ours: "beside many", other: "alone", most: 1.2},
	},
	setup: func(l *lab) (*race, error) {
		ours, err := l.program("ours")
		if err != nil {
			return nil, err
		}
		r := &race{}
		for _, among := range []struct {
			name   string
			others int
		}{{"alone", 0}, {"beside 1,000", 1000}, {"beside many", l.many()}} {
			c, err := l.crowd(among.others)
			if err != nil {
				return nil, err
			}
			r.ways = append(r.ways, started(among.name, ours, []string{"SECRETS_TOKEN=" + c.token.Reveal()}, c.file))
		}
		return r, nil
	},
}

// peers measures programs that do the same with other libraries, as their users
// would write them.
var peers = study{
	name: "start/peers", unit: nanoseconds,
	claims: []claim{
		{work: "The same, beside `sops exec-env` of a dotenv file of the same 50 values, age key: at least 4 times as fast", other: "SOPS, exec-env", most: 0.25},
		{work: "The same, beside the opening of a database of setec of the same 50 values", other: "setec, database", most: 1},
	},
	setup: func(l *lab) (*race, error) {
		c, err := l.crowd(0)
		if err != nil {
			return nil, err
		}
		ways, err := l.programs3(c)
		if err != nil {
			return nil, err
		}
		others, err := l.peerPrograms()
		return &race{ways: append(ways, others...)}, err
	},
}

func (l *lab) peerPrograms() ([]way, error) {
	dir, file, err := l.peerFiles()
	if err != nil {
		return nil, err
	}
	programs := map[string]string{}
	for _, name := range []string{"setec", "setecserver", "setecclient", "gocloud", "godotenv", sopsPackage} {
		if programs[name], err = l.peer(name); err != nil {
			return nil, err
		}
	}
	sealed, key, err := l.sealForSOPS(programs[sopsPackage], dir, file)
	if err != nil {
		return nil, err
	}
	server, err := l.serve(programs["setecserver"], dir)
	if err != nil {
		return nil, err
	}
	return []way{
		started("SOPS, exec-env", programs[sopsPackage], key, "exec-env", sealed, "true"),
		started("SOPS, exec-env --same-process", programs[sopsPackage], key, "exec-env", "--same-process", sealed, "true"),
		started("setec, database", programs["setec"], nil, dir),
		started("setec, client and server", programs["setecclient"], nil, dir, server),
		started("Go Cloud secrets, local key", programs["gocloud"], nil, dir),
		started("godotenv, not encrypted", programs["godotenv"], nil, file),
	}, nil
}

// peerFiles writes the fifty values as a dotenv file, and as each peer has them.
func (l *lab) peerFiles() (dir, file string, err error) {
	if dir, err = l.folder("peers"); err != nil {
		return "", "", err
	}
	var dotenv strings.Builder
	for i := range variables {
		fmt.Fprintf(&dotenv, "%s=%s\n", variable(i), value(i))
	}
	file = filepath.Join(dir, "plain.env")
	if err := os.WriteFile(file, []byte(dotenv.String()), 0o600); err != nil {
		return "", "", err
	}
	prepare, err := l.peer("prepare")
	if err != nil {
		return "", "", err
	}
	_, err = l.output(prepare, nil, file, dir)
	return dir, file, err
}

// sealForSOPS encrypts a dotenv file, and returns the result with the variable
// that says where the key is.
func (l *lab) sealForSOPS(sops, dir, file string) (sealed string, env []string, err error) {
	recipient, err := os.ReadFile(filepath.Join(dir, "age.recipient"))
	if err != nil {
		return "", nil, err
	}
	encrypted, err := l.output(sops, nil, "encrypt", "--age", string(recipient), file)
	if err != nil {
		return "", nil, err
	}
	sealed = filepath.Join(dir, "sealed.env")
	return sealed, []string{"SOPS_AGE_KEY_FILE=" + filepath.Join(dir, "age.key")}, os.WriteFile(sealed, encrypted, 0o600)
}
