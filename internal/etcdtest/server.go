package etcdtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
)

// A Server is one etcd process on loopback. It ends with this process at the
// latest, since it holds the read end of a pipe, and removes its folder then.
type Server struct {
	Endpoint string

	name string
	path string
	dir  string
	args []string
	env  []string
	cmd  *exec.Cmd
	pipe io.Closer
	done chan struct{} // closed when the process has ended
}

// Start starts a server for one test, with further flags of etcd.
func Start(t testing.TB, flags ...string) *Server {
	t.Helper()
	skipIfAbsent(t)
	s, err := start(t.TempDir(), flags...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Kill)
	return s
}

// Run starts a server for a program that is no test, with its data in dir, until
// it is killed or the program ends.
func Run(dir string, flags ...string) (*Server, error) { return start(dir, flags...) }

// StartCluster starts a cluster for one test, with a member for each list of
// further flags.
func StartCluster(t testing.TB, flags ...[]string) []*Server {
	t.Helper()
	return startCluster(t, nil, flags)
}

func startCluster(t testing.TB, links *Links, flags [][]string) []*Server {
	t.Helper()
	skipIfAbsent(t)
	var dirs []string
	for range flags {
		dirs = append(dirs, t.TempDir())
	}
	members, err := startAll(links, dirs, flags)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range members {
		t.Cleanup(func() { s.end(t) })
	}
	return members
}

// end shows the last that the server has logged, if the test has failed.
func (s *Server) end(t testing.TB) {
	s.Kill()
	if !t.Failed() {
		return
	}
	log, err := os.ReadFile(filepath.Join(s.dir, "log"))
	t.Logf("%s: %s %v", s.name, log[max(0, len(log)-4000):], err)
}

func start(dir string, flags ...string) (*Server, error) {
	members, err := startAll(nil, []string{dir}, [][]string{flags})
	if err != nil {
		return nil, err
	}
	return members[0], nil
}

// startAll tries a few times: another process may take a port that was free.
func startAll(links *Links, dirs []string, flags [][]string) ([]*Server, error) {
	path, err := executable()
	if err != nil {
		return nil, err
	}
	var errs []error
	for range 5 {
		members, err := newMembers(path, links, dirs, flags)
		if err != nil {
			return nil, err
		}
		err = runAll(members)
		if err == nil {
			return members, nil
		}
		errs = append(errs, err)
		for _, s := range members {
			s.Kill()
			_ = os.RemoveAll(s.Data())
		}
	}
	return nil, errors.Join(errs...)
}

// newMembers gives the members links if there are any to give, nil for none.
func newMembers(path string, links *Links, dirs []string, flags [][]string) ([]*Server, error) {
	var members []*Server
	var cluster []string
	for i, dir := range dirs {
		client, peer, err := freeAddresses()
		if err != nil {
			return nil, err
		}
		s := &Server{Endpoint: client, name: fmt.Sprint("member", i), path: path, dir: dir}
		found := peer // where the others find it
		if links != nil {
			found, s.env = hostOf(s.name), links.join(s.name, peer)
		}
		cluster = append(cluster, s.name+"=http://"+found)
		s.args = append([]string{
			"--name=" + s.name, "--data-dir=" + s.Data(), "--log-level=warn",
			"--listen-client-urls=http://" + client, "--advertise-client-urls=http://" + client,
			"--listen-peer-urls=http://" + peer, "--initial-advertise-peer-urls=http://" + found,
		}, flags[i]...)
		members = append(members, s)
	}
	for _, s := range members {
		s.args = append(s.args, "--initial-cluster="+strings.Join(cluster, ","))
	}
	return members, nil
}

// runAll runs them together: one alone waits for the others.
func runAll(members []*Server) error {
	errs := make([]error, len(members))
	var group sync.WaitGroup
	for i, s := range members {
		group.Go(func() { errs[i] = s.run() })
	}
	group.Wait()
	return errors.Join(errs...)
}

// Data is the folder where the server has its files.
func (s *Server) Data() string { return filepath.Join(s.dir, "data") }

// freeAddresses keeps both ports until it has both, so that they differ.
func freeAddresses() (client, peer string, err error) {
	first, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", "", err
	}
	defer first.Close()
	second, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", "", err
	}
	defer second.Close()
	return first.Addr().String(), second.Addr().String(), nil
}

// Restart starts the server again after Kill, with its data and address.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	if err := s.run(); err != nil {
		t.Fatal(err)
	}
}

// Kill ends the process at once, as a crash would.
func (s *Server) Kill() {
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Kill() // it may have ended by itself
	<-s.done
	_ = s.pipe.Close()
}

func (s *Server) run() error {
	log, err := os.OpenFile(filepath.Join(s.dir, "log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(s.path, s.args...)
	cmd.Env = append(os.Environ(), append(s.env, "SECRETS_TEST_ETCD_FOLDER="+s.dir)...)
	cmd.Stderr = log
	pipe, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	s.cmd, s.pipe, s.done = cmd, pipe, make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(s.done)
	}()
	return s.await()
}

// await returns when the server answers, be it that it wants a user.
func (s *Server) await() error {
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{s.Endpoint}, Logger: zap.NewNop()})
	if err != nil {
		return err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for ctx.Err() == nil {
		select {
		case <-s.done:
			return s.failed(errors.New("etcd has ended"))
		default:
		}
		if _, err = client.Status(ctx, s.Endpoint); err == nil || errors.Is(err, rpctypes.ErrUserEmpty) {
			return nil
		}
		time.Sleep(20 * time.Millisecond)
	}
	return s.failed(fmt.Errorf("etcd does not answer: %w", err))
}

func (s *Server) failed(err error) error {
	log, readErr := os.ReadFile(filepath.Join(s.dir, "log"))
	return errors.Join(fmt.Errorf("%w\n%s", err, log), readErr)
}
