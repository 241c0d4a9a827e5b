package secrets

import (
	"fmt"
	"io"
)

// Handles print as what they are of, with every verb. Package fmt would go through
// their fields, which other goroutines change meanwhile: a log line would end the
// program.

// Format prints "secrets.Client".
func (c *Client) Format(f fmt.State, _ rune) { io.WriteString(f, "secrets.Client") }

// Format prints the organization's name, as in "secrets.Organization(acme)".
func (o *Organization) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "secrets.Organization(%s)", o.name)
}

// Format prints the names, as in "secrets.Service(acme/api)".
func (s *Service) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "secrets.Service(%s/%s)", s.org.name, s.name)
}

// Format prints whose session it is, as in "secrets.Session(acme/api)".
func (s *Session) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "secrets.Session(%s/%s)", s.Organization(), s.Service())
}
