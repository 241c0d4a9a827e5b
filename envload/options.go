package envload

import "fmt"

// Options are the rules of [Load], [Parse] and [Environ]. A nil *Options is
// the zero value.
type Options struct {
	// Existing says what becomes of a variable that is granted and exists
	// already: in the environment of the process (Load, Parse), or in Base
	// (Environ, and Parse if Base is given). A set but empty variable exists.
	Existing Existing

	// Required names the variables that must be there and not be empty, after
	// all: granted, or existing. A secret that was revoked, deleted or hidden
	// is simply not granted any more; this is what notices.
	Required []string

	// Base holds variables as KEY=VALUE, such as those of [os.Environ]; the
	// last one of a name counts, as in os/exec. For Environ it is all that
	// the child gets besides what is granted; nil is nothing. For Parse it
	// replaces the environment of the process, also if it is empty; nil
	// leaves that in place. Load refuses it.
	Base []string

	// Allow names variables that change how programs run, and are therefore
	// refused, but are meant to be filled here. See [secrets.CheckEnv]. To
	// grant them takes AllowEnv of [secrets.Options] as well.
	Allow []string
}

// Existing is a rule for variables that exist already.
type Existing int

const (
	// Keep leaves an existing variable as it is: the secret is not used.
	Keep Existing = iota

	// Overwrite puts the secret in its place.
	Overwrite

	// Fail makes it an error, which is [ErrExisting].
	Fail
)

func (o *Options) orZero() Options {
	if o == nil {
		return Options{}
	}
	return *o
}

func (o *Options) check() []Problem {
	if o.Existing < Keep || o.Existing > Fail {
		return []Problem{{Err: fmt.Errorf("%w: Existing is none of Keep, Overwrite and Fail", ErrOptions)}}
	}
	return nil
}
