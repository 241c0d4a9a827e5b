// Command setecserver serves the setec database of a folder on loopback, to
// whoever asks, and prints its address. It ends with its standard input.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"

	"github.com/tailscale/setec/audit"
	"github.com/tailscale/setec/server"
	"tailscale.com/client/tailscale/apitype"
	"tailscale.com/tailcfg"

	"github.com/seed-9f6dc42a/secrets/bench/peers/internal/setecfile"
)

func main() {
	if err := run(os.Args[1]); err != nil {
		log.Fatal(err)
	}
}

func run(dir string) error {
	db, err := setecfile.Open(dir)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	if _, err := server.New(context.Background(), server.Config{
		DB: db, AuditLog: audit.New(io.Discard), WhoIs: whoIs, Mux: mux,
	}); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	go func() { log.Fatal(http.Serve(listener, mux)) }()
	fmt.Println("http://" + listener.Addr().String())
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// whoIs takes everybody for an administrator.
func whoIs(context.Context, string) (*apitype.WhoIsResponse, error) {
	rule, err := json.Marshal(setecfile.Caller.Permissions[0])
	return &apitype.WhoIsResponse{
		Node:        &tailcfg.Node{Name: "localhost"},
		UserProfile: &tailcfg.UserProfile{ID: 1, LoginName: "bench@localhost"},
		CapMap:      tailcfg.PeerCapMap{server.ACLCap: {tailcfg.RawMessage(rule)}},
	}, err
}
