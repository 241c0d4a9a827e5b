package envload_test

import (
	"context"
	"fmt"
	"log"

	"github.com/seed-9f6dc42a/secrets"
	"github.com/seed-9f6dc42a/secrets/envload"
)

// A server reads its configuration anew for each request, and never sees a half
// of an update.
func ExampleWatch() {
	type Config struct {
		DatabaseURL string `env:"DATABASE_URL,required,notEmpty"`
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()

	env, err := secrets.NewEnvironment(secrets.Variable{ // in an app: secrets.Connect
		Name: "DATABASE_URL", Value: secrets.Text("postgres://app@db/main"), Secret: "database-url",
	})
	if err != nil {
		log.Fatal(err)
	}
	live, err := envload.Watch[Config](ctx, env, &envload.Options{Existing: envload.Overwrite})
	if err != nil {
		log.Fatal(err)
	}
	live.OnChange(func(_, now *Config) {
		if now == nil {
			log.Fatal("the token was revoked")
		}
	})
	fmt.Println(live.Get().DatabaseURL)
	// Output: postgres://app@db/main
}
