// Command godotenv puts a file that is not encrypted into the environment.
package main

import (
	"log"
	"os"

	"github.com/joho/godotenv"
)

func main() {
	if err := godotenv.Load(os.Args[1]); err != nil {
		log.Fatal(err)
	}
}
