package postgres

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
)

// A notification carries the topics of the folders of all keys that a commit
// has written, so that nobody is woken by what happens elsewhere. Whoever may
// connect to the database can listen, also without a right on the table, so
// the names themselves are not in it.
const (
	topicBytes = 6    // a topic that meets another wakes somebody for nothing
	maxPayload = 7999 // of the server
)

// channel is the one of a schema. Its name may be as long as an identifier.
func channel(schema string) string {
	return fmt.Sprintf("secrets_%016x", uint64(lockID(schema, "")))
}

// folder is the part of a key or a prefix up to its last slash. "" is above
// all others.
func folder(key string) string {
	return key[:strings.LastIndexByte(key, '/')+1]
}

func topic(folder string) string {
	sum := sha256.Sum256([]byte("secrets folder\x00" + folder))
	return base64.RawURLEncoding.EncodeToString(sum[:topicBytes])
}

// payload lists the topics of the folders above the keys, each once. "" stands
// for too many: everybody is concerned.
func payload(keys []string) string {
	topics := []string{topic("")}
	seen := map[string]bool{"": true}
	for _, key := range keys {
		for f := folder(key); !seen[f]; f = folder(f[:len(f)-1]) {
			seen[f] = true
			topics = append(topics, topic(f))
		}
	}
	if text := strings.Join(topics, " "); len(text) <= maxPayload {
		return text
	}
	return ""
}

// concerns says whether a commit with the payload may have written a key under
// a prefix with one of the topics.
func concerns(payload string, topics []string) bool {
	return payload == "" || slices.ContainsFunc(strings.Fields(payload), func(t string) bool {
		return slices.Contains(topics, t)
	})
}
