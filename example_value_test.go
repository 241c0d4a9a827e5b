package secrets_test

import (
	"encoding/json"
	"fmt"
	"log"

	"github.com/seed-9f6dc42a/secrets"
)

func ExampleParseName() {
	name, err := secrets.ParseName("database-url")
	fmt.Println(name, err)
	_, err = secrets.ParseName("Database_URL")
	fmt.Println(err)
	// Output:
	// database-url <nil>
	// invalid name: at byte 0: only lower-case letters, digits and dashes are allowed
}

func ExampleEnvName() {
	fmt.Println(secrets.EnvName("database-url"), secrets.EnvName("2fa-key"))
	// Output: DATABASE_URL _2FA_KEY
}

func ExampleCheckEnv() {
	fmt.Println(secrets.CheckEnv("DATABASE_URL"))
	fmt.Println(secrets.CheckEnv("LD_PRELOAD"))
	fmt.Println(secrets.CheckEnv("HTTPS_PROXY", "HTTPS_PROXY")) // allowed by name
	// Output:
	// <nil>
	// invalid environment variable LD_PRELOAD: it changes how programs run, or is reserved; Options.AllowEnv, and Options.Allow of envload, admit it by name
	// <nil>
}

func ExampleText() {
	v := secrets.Text("correct horse")
	fmt.Println(v, v.Len(), v.Equal(secrets.Bytes([]byte("correct horse"))))
	// Output: [redacted] 13 true
}

// A Value in a struct keeps it out of logs, dumps and JSON.
func ExampleValue() {
	config := struct {
		Port     int
		Database secrets.Value
	}{8080, secrets.Text("postgres://app@db/main")}

	fmt.Printf("%+v\n", config)
	text, err := json.Marshal(config)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\n", text)
	fmt.Println(config.Database.Reveal())
	// Output:
	// {Port:8080 Database:[redacted]}
	// {"Port":8080,"Database":"[redacted]"}
	// postgres://app@db/main
}
