// Package etcd keeps entries in an etcd cluster, for several machines.
//
//	client, err := clientv3.New(clientv3.Config{
//		Endpoints:            []string{"https://etcd-1:2379", "https://etcd-2:2379", "https://etcd-3:2379"},
//		TLS:                  tlsConfig,
//		Username:             "platform",
//		Password:             password,
//		DialKeepAliveTime:    10 * time.Second,
//		DialKeepAliveTimeout: 5 * time.Second,
//	})
//	store, err := etcd.New(client, "secrets/", nil)
//
// Without keep-alive, a connection that is dead but was not closed is noticed
// late: calls give up after [Options.Timeout], but nothing is signalled by
// [Store.Changes] until then. The client logs to standard error by itself, unless
// its Config has a Logger. With a password it logs in when it is made, and
// that needs a server: see [storage.Lazy].
//
// # Consistency
//
// A batch is one transaction, with the revisions of the checked keys compared.
// Each Get and List is linearizable, and so is a batch that only checks: it asks
// the leader, and sees every commit that was answered before. A Get of more than 128 keys is several requests at
// the revision of the first. If that is compacted before the last one, the
// reading starts again.
//
// A read is repeated until [Options.Timeout] while the connection or the leader
// is lost. A Commit is sent at most once. When its answer is lost, or the
// server is out of space, which etcd also says of the commit that takes the
// last of it, that is [storage.ErrUnknownOutcome].
//
// # Server
//
// The tests run with etcd 3.7, and have been run with 3.6. The flags
// --max-txn-ops and --max-request-bytes must not be below their defaults of 128
// and 1.5 MiB; a server that takes less answers [storage.ErrLimit]. It is the
// operator who has the history compacted (--auto-compaction-retention) and
// keeps an eye on the quota: etcd keeps the older (encrypted) values of an
// entry, also of a deleted one, until then.
//
// Compacted values stay in the file of the database until it is written anew,
// which [Store.Purge] has done. The log of each member (member/wal) keeps them
// for longer still, and nothing can be told to remove them there. A file of the
// log has 64 MiB, and is deleted when as many newer ones exist as --max-wals
// says, by default 5, and a snapshot of the log, one each --snapshot-count
// writes, by default 10,000, is newer. A member that is replaced by a new one
// has a new log, but may get entries of the log from another one; a cluster
// that is restored from a snapshot taken after a Purge gets none.
//
// Versions are revisions of the cluster. A cluster that is restored from a
// snapshot counts again from there, so that a version might be given out a
// second time: restore with --bump-revision and --mark-compacted, and start
// the programs afresh.
//
// # Users who may only read
//
// An app needs to read the prefix and nothing else:
//
//	etcdctl role add app
//	etcdctl role grant-permission app --prefix=true read secrets/
//	etcdctl user add api
//	etcdctl user grant-role api app
//
// The platform's role has readwrite there. With etcdctl auth enable, the Commit
// of such an app, and whatever it asks of other prefixes, is
// [io/fs.ErrPermission]; so is a call with a token or a password that etcd does
// not accept. Who may read the prefix may read all records of it. They are
// encrypted, and an app opens those that were granted to it.
//
// # Errors
//
// They name the prefix and, if there is no connection, the address that was
// tried, unless an endpoint holds an "@" and so perhaps a password. What a
// server or a proxy says is left out but for the messages that etcd is known
// to have.
package etcd
