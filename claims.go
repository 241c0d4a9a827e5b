package secrets

import "time"

// A writer with much to write claims the secret meanwhile. Others wait for it as
// long as it shows that it goes on; after that it is taken for stopped.
const (
	claimPatience = 2 * time.Second
	claimPoll     = 50 * time.Millisecond
)

// claims remember since when the secrets that are waited for stand still.
type claims map[Name]standing

type standing struct {
	version uint64 // of the secret's entry
	since   time.Time
}

// blocked reports whether there is a claim on a secret that must be waited for.
func (c claims) blocked(v *view, s *secretView, ours bool) bool {
	if s.record.Claim.IsZero() || ours {
		return false
	}
	version := v.entries[secretKey(v.org.name, s.name)].Version
	if c[s.name].version != version {
		c[s.name] = standing{version, time.Now()}
	}
	if time.Since(c[s.name].since) < claimPatience {
		return true
	}
	v.org.client.log.Warn("taking over from a writer that stopped", "organization", v.org.name, "secret", s.name)
	return false
}
