package etcdtest

import (
	"context"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"sync"
	"testing"
)

// Links are the ways between the members of a cluster, which can be cut.
//
// A member knows the others by names of hosts that only its HTTP proxy can
// resolve, and each member has a proxy of its own. So the proxy knows who sends,
// and the name says to whom.
type Links struct {
	mu        sync.Mutex
	addresses map[string]string // of the members, by the names of their hosts
	apart     map[string]bool   // hosts on the other side of a split
	passing   map[*passage]struct{}
	proxies   []*httptest.Server
}

// A passage is a request on its way. The answer to some lasts as long as the
// members run.
type passage struct {
	from, to string
	lose     context.CancelFunc
	ended    chan struct{} // closed when nothing more of it can arrive
}

// StartLinked is [StartCluster] with links that can be cut.
func StartLinked(t testing.TB, flags ...[]string) ([]*Server, *Links) {
	t.Helper()
	l := &Links{addresses: map[string]string{}, passing: map[*passage]struct{}{}}
	t.Cleanup(l.close) // after the members have ended
	return startCluster(t, l, flags), l
}

// Split cuts the links between the given members and all others, and loses what
// is on its way there. All other links are whole again: with no members, all are.
// What a member sends after Split has returned does not arrive.
func (l *Links) Split(members ...*Server) {
	for _, p := range l.cut(members) {
		<-p.ended
	}
}

// cut returns the passages that it has told to end.
func (l *Links) cut(members []*Server) (lost []*passage) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.apart = map[string]bool{}
	for _, s := range members {
		l.apart[hostOf(s.name)] = true
	}
	for p := range l.passing {
		if l.isCut(p) {
			p.lose()
			lost = append(lost, p)
		}
	}
	return lost
}

// isCut is called with the mutex held.
func (l *Links) isCut(p *passage) bool { return l.apart[p.from] != l.apart[p.to] }

// join gives a member its proxy, and returns the environment that leads it there.
func (l *Links) join(name, address string) (env []string) {
	proxy := httptest.NewServer(l.forward(hostOf(name)))
	l.mu.Lock()
	defer l.mu.Unlock()
	l.addresses[hostOf(name)] = address
	l.proxies = append(l.proxies, proxy)
	return []string{"HTTP_PROXY=" + proxy.URL, "http_proxy=" + proxy.URL, "NO_PROXY=", "no_proxy="}
}

// hostOf returns a name that no other resolver knows, with a port, which etcd
// wants.
func hostOf(name string) string { return name + ".invalid:2380" }

func (l *Links) forward(from string) http.Handler {
	proxy := &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.Out.URL.Host = l.address(r.In.URL.Host) },
		Transport:     &http.Transport{DisableCompression: true},
		FlushInterval: -1, // a member sends its messages as parts of one answer
		ErrorHandler:  func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
		ErrorLog:      log.New(io.Discard, "", 0), // members that are killed break off
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, lose := context.WithCancel(r.Context())
		defer lose()
		p := &passage{from, r.URL.Host, lose, make(chan struct{})}
		defer l.end(p)
		l.begin(p)
		proxy.ServeHTTP(w, r.WithContext(ctx))
	})
}

func (l *Links) begin(p *passage) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.passing[p] = struct{}{}
	if l.isCut(p) {
		p.lose()
	}
}

func (l *Links) end(p *passage) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.passing, p)
	close(p.ended)
}

func (l *Links) address(host string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.addresses[host]
}

func (l *Links) close() {
	for _, proxy := range l.proxies {
		proxy.CloseClientConnections()
		proxy.Close()
	}
}
