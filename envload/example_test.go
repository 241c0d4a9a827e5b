package envload_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"os/exec"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/envload"
)

// source stands for a session: in a program,
//
//	session, err := secrets.Connect(ctx, store, token)
//
// It clears what the developer's own environment has in the variables of the
// examples.
func source() *secrets.Environment {
	for _, name := range []string{"DATABASE_URL", "MAIL_KEY", "PORT", "SMTP_PASSWORD", "STRIPE_KEY"} {
		os.Unsetenv(name)
	}
	env, err := secrets.NewEnvironment(
		secrets.Variable{Name: "DATABASE_URL", Value: secrets.Text("postgres://app:pa$$word@db/main"), Secret: "database-url", Version: 3},
		secrets.Variable{Name: "MAIL_KEY", Value: secrets.Text("k-1"), Secret: "mail-key", Version: 1},
	)
	if err != nil {
		log.Fatal(err)
	}
	return env
}

func ExampleLoad() {
	session := source()
	os.Setenv("MAIL_KEY", "of the developer") // an existing variable is kept
	defer os.Unsetenv("MAIL_KEY")
	defer os.Unsetenv("DATABASE_URL")

	report, err := envload.Load(context.Background(), session, &envload.Options{
		Required: []string{"DATABASE_URL"},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(report)
	fmt.Println(os.Getenv("DATABASE_URL"))
	// Output:
	// DATABASE_URL set from secret "database-url" version 3
	// MAIL_KEY kept
	// postgres://app:pa$$word@db/main
}

func ExampleLoad_problems() {
	session := source()
	_, err := envload.Load(context.Background(), session, &envload.Options{
		Required: []string{"DATABASE_URL", "STRIPE_KEY", "SMTP_PASSWORD"},
	})
	fmt.Println(err)
	// Output:
	// envload: 2 problems: SMTP_PASSWORD: missing: it is required, but neither granted nor set; STRIPE_KEY: missing: it is required, but neither granted nor set
}

func ExampleParse() {
	type Config struct {
		Database secrets.Value `env:"DATABASE_URL,required,notEmpty"`
		Port     int           `env:"PORT" envDefault:"8080"`
		Mail     struct {
			Key string `env:"KEY"`
		} `envPrefix:"MAIL_"`
	}
	session := source()
	config, err := envload.Parse[Config](context.Background(), session, &envload.Options{
		Existing: envload.Overwrite,
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(config.Port, config.Mail.Key)
	fmt.Println(config.Database)
	fmt.Println(config.Database.Reveal())
	// Output:
	// 8080 k-1
	// [redacted]
	// postgres://app:pa$$word@db/main
}

func ExampleParse_problems() {
	type Config struct {
		Database int `env:"DATABASE_URL"`
	}
	session := source()
	_, err := envload.Parse[Config](context.Background(), session, nil)
	fmt.Println(err)
	// Output:
	// envload: DATABASE_URL (field Database, type int, secret "database-url"): the value does not parse
}

// A test gives a struct its values without touching the environment.
func ExampleParse_base() {
	type Config struct {
		Database string `env:"DATABASE_URL,required,notEmpty"`
		Port     int    `env:"PORT" envDefault:"8080"`
	}
	session := source()
	config, err := envload.Parse[Config](context.Background(), session, &envload.Options{
		Base: []string{"DATABASE_URL=postgres://localhost/test", "PORT=9090"}, // in its place
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(config.Database, config.Port)
	// Output: postgres://localhost/test 9090
}

// One error lists all that is wrong, and what to do can be told apart.
func ExampleError() {
	session := source()
	_, err := envload.Load(context.Background(), session, &envload.Options{
		Required: []string{"DATABASE_URL", "STRIPE_KEY"},
	})
	fmt.Println(errors.Is(err, envload.ErrMissing))

	var failed *envload.Error
	if errors.As(err, &failed) {
		for _, problem := range failed.Problems {
			fmt.Println("grant the service", problem.Env)
		}
	}
	// Output:
	// true
	// grant the service STRIPE_KEY
}

func ExampleEnviron() {
	service := source() // of the app that is to be started
	env, err := envload.Environ(context.Background(), service, &envload.Options{
		Base: []string{"PATH=" + os.Getenv("PATH")}, // all that it gets of ours
	})
	if err != nil {
		log.Fatal(err)
	}
	cmd := exec.Command("sh", "-c", `echo "$MAIL_KEY"`)
	cmd.Env = env
	output, err := cmd.Output()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s", output)
	// Output:
	// k-1
}
