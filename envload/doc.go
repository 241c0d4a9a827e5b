// Package envload brings what a service may read to where a program looks for
// it: the environment of the process, the fields of a struct, or the
// environment of a child process.
//
//	token, err := envload.Token("SECRETS_TOKEN")        // the one secret an app is given
//	session, err := secrets.Connect(ctx, store, token)
//
//	report, err := envload.Load(ctx, session, nil)      // then os.Getenv("DATABASE_URL")
//	config, err := envload.Parse[Config](ctx, session, nil)
//	live, err := envload.Watch[Config](ctx, session, nil) // follows; live.Get() is the latest
//	cmd.Env, err = envload.Environ(ctx, service, nil)   // on the platform's side
//
// # Rules
//
// One set of rules, [Options], holds for all of them.
//
// A variable that exists already wins over the secret, also if it is empty,
// unless Existing is [Overwrite]. So a developer or an operator can override a
// secret from outside; where nobody should, take [Overwrite], or [Fail].
//
// Variables that change how programs run, such as PATH or LD_PRELOAD, are
// refused unless [Options].Allow names them (and for the grant itself, AllowEnv
// of [secrets.Options]). Everything is checked before anything is done, and one
// [*Error] lists all that is wrong. A context's or the source's error is
// returned as it is.
//
// # Values
//
// A value arrives byte for byte: dollar signs, hashes, quotes, newlines, spaces
// at either end, and bytes that are not UTF-8 are nothing special. No error and
// no report of this package carries a value, also not one that came from the
// environment. Values are 64 KiB at most if they come from a store, and hold no
// NUL; on Windows they must be UTF-8.
//
// # Case
//
// DATABASE_URL and database_url are two variables, but one on Windows. A source
// never grants both.
//
// # Concurrency
//
// [Parse] and [Environ] may be called from several goroutines. [Load] and
// [Token] change the environment of the process: call them once, at the start
// of main, before other goroutines run.
package envload
