package fromenv

// ParseEtcd is what Connect makes of an etcd URL.
var ParseEtcd = parseEtcd
