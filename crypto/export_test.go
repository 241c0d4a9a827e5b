package crypto

// AssociatedData returns what b is encoded to.
func AssociatedData(b interface{ associatedData() []byte }) []byte { return b.associatedData() }
