package fromenv

var (
	// ParseEtcd is what Open makes of an etcd URL.
	ParseEtcd = parseEtcd

	// NewClient logs in to etcd.
	NewClient = newClient
)
