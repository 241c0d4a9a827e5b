package etcdtest

import (
	"context"
	"slices"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// Quick returns flags of a member that notices soon that the leader is gone.
func Quick() []string { return []string{"--heartbeat-interval=30", "--election-timeout=300"} }

// Endpoints returns those of the members.
func Endpoints(members ...*Server) []string {
	var endpoints []string
	for _, s := range members {
		endpoints = append(endpoints, s.Endpoint)
	}
	return endpoints
}

// Leader returns the member that leads now. None of them may be cut off: one that
// was the leader does not know at once that it is so no more.
func Leader(t testing.TB, members []*Server) *Server {
	t.Helper()
	client := Client(t, Endpoints(members...), nil)
	for end := time.Now().Add(2 * patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if i := slices.IndexFunc(members, func(s *Server) bool { return s.leads(client) }); i >= 0 {
			return members[i]
		}
	}
	t.Fatal("no member leads")
	return nil
}

func (s *Server) leads(client *clientv3.Client) bool {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	status, err := client.Status(ctx, s.Endpoint)
	return err == nil && status.Leader == status.Header.MemberId
}
