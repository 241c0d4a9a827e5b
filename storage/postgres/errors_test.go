package postgres_test

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/seed-9f6dc42a/secrets/storage"
	"github.com/seed-9f6dc42a/secrets/storage/postgres"
)

// canary is a value or a part of a connection string, in all these tests.
const canary = "canary-7d1f"

// wantSecret fails if an error shows the canary, in whatever way it is printed.
func wantSecret(t *testing.T, err error) {
	t.Helper()
	encoded, _ := json.Marshal(err) // one that cannot be encoded shows nothing
	text := fmt.Sprintf("%v %+v %#v %q %s", err, err, err, err, encoded)
	for _, form := range []string{canary, hex.EncodeToString([]byte(canary)), fmt.Sprint([]byte(canary))} {
		if strings.Contains(text, form) {
			t.Errorf("the error shows %q: %s", form, text)
		}
	}
	var refused *pgconn.PgError
	var failed *pgconn.ConnectError
	if errors.As(err, &refused) || errors.As(err, &failed) {
		t.Errorf("%v: behind it is one of pgx, which quotes", err)
	}
}

func TestErrorsShowNothingOfAConnectionString(t *testing.T) {
	t.Parallel()
	refusing, hanging := listen(t), listen(t)
	_ = refusing.Close()
	go func() {
		for {
			conn, err := hanging.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Read(make([]byte, 1000))
			_ = conn.Close()
		}
	}()
	personal := " connect_timeout=5 sslmode=disable user=" + canary + " password=" + canary + " dbname=" + canary
	for name, dsn := range map[string]string{
		"no port":           "postgres://user:" + canary + "@localhost:port/db",
		"no URL":            "postgres://user:" + canary + "@[::1",
		"no key":            canary,
		"unknown mode":      "default_query_exec_mode=" + canary,
		"no number":         "pool_max_conns=" + canary,
		"nobody there":      at(refusing) + personal,
		"hangs up":          at(hanging) + personal,
		"nobody of this":    "postgres://" + canary + ":" + canary + "@127.0.0.1:1/" + canary,
		"no such directory": "host=/" + canary,
	} {
		_, err := postgres.Open(t.Context(), dsn, nil)
		if err == nil {
			t.Errorf("%s: opened", name)
		}
		wantSecret(t, err)
		s, err := postgres.OpenPool(t.Context(), newPool(t, nil), &postgres.Options{Schema: newName("dsn"), ListenDSN: dsn})
		if err == nil {
			_, err = s.Changes(t.Context())
			_ = s.Close()
		}
		if err == nil {
			t.Errorf("%s: listened", name)
		}
		wantSecret(t, err)
	}
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	return listener
}

func at(listener net.Listener) string {
	return fmt.Sprintf("host=127.0.0.1 port=%d", listener.Addr().(*net.TCPAddr).Port)
}

func TestErrorsOfLoggingInShowNothing(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(*pgxpool.Config)
		want   error // nil: any
	}{
		"no such role":     {func(c *pgxpool.Config) { c.ConnConfig.User = canary }, fs.ErrPermission},
		"no such database": {func(c *pgxpool.Config) { c.ConnConfig.Database = canary }, nil},
		"no such setting":  {func(c *pgxpool.Config) { c.ConnConfig.RuntimeParams["canary"] = canary }, nil},
	} {
		_, err := postgres.OpenPool(t.Context(), newPool(t, test.change), nil)
		if err == nil || test.want != nil && !errors.Is(err, test.want) {
			t.Errorf("%s: got %v, want %v", name, err, test.want)
		}
		wantSecret(t, err)
	}
}

func TestErrorsOfTheServerQuoteNothing(t *testing.T) {
	t.Parallel()
	schema := newName("quotes")
	s := open(t, schema)
	commit(t, s, put("a", canary))
	execute(t,
		"ALTER TABLE "+schema+".entries ADD CONSTRAINT short CHECK (length(value) < 20)", // its detail has the row
		"CREATE FUNCTION "+schema+".tell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no: %', new.value USING DETAIL = new.key; END $$",
		"CREATE TRIGGER tell BEFORE INSERT ON "+schema+".entries FOR EACH ROW WHEN (new.key = '"+canary+"') EXECUTE FUNCTION "+schema+".tell()",
	)
	for name, batch := range map[string]storage.Batch{
		"constraint": put("b", canary+" and more than twenty"),
		"trigger":    put(canary, canary),
		"no text":    put(canary+"\xff", canary),
		"NUL":        put(canary+"\x00", canary),
	} {
		err := s.Commit(t.Context(), batch)
		if err == nil || errors.Is(err, storage.ErrUnknownOutcome) {
			t.Errorf("%s: got %v, want a definite error", name, err)
		}
		wantSecret(t, err)
	}
	_, err := s.Get(t.Context(), canary+"\x00")
	wantError(t, err, storage.ErrLimit)
	wantSecret(t, err)
	wantValue(t, s, "a", canary)

	execute(t, "DROP TABLE "+schema+".entries")
	_, err = s.Get(t.Context(), "a")
	if err == nil || errors.Is(err, fs.ErrPermission) {
		t.Errorf("Get without a table: %v", err)
	}
}

func TestServerThatGivesWayOrIsBusyWritesNothing(t *testing.T) {
	t.Parallel()
	schema := newName("codes")
	s := open(t, schema)
	execute(t,
		"CREATE FUNCTION "+schema+".fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = new.key; END $$",
		"CREATE TRIGGER fail BEFORE INSERT ON "+schema+".entries FOR EACH ROW EXECUTE FUNCTION "+schema+".fail()",
	)
	for code, want := range map[string]error{
		"40001": storage.ErrConflict, "40P01": storage.ErrConflict,
		"55P03": storage.ErrUnavailable, "57014": storage.ErrUnavailable, "53100": storage.ErrUnavailable,
		"42501": fs.ErrPermission, "25006": fs.ErrPermission,
		"08006": storage.ErrUnknownOutcome, "40003": storage.ErrUnknownOutcome,
	} {
		wantError(t, s.Commit(t.Context(), put(code, "")), want)
	}
}

// The default of a role may be to read serializably, beside transactions of
// others that write so.
func TestReadForWhichTheServerGivesWayIsUnavailable(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"40001", "40P01"} {
		schema := newName("codes")
		s := open(t, schema)
		execute(t,
			"ALTER TABLE "+schema+".entries RENAME TO others",
			"CREATE FUNCTION "+schema+".fail() RETURNS SETOF "+schema+".others LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '"+code+"'; END $$",
			"CREATE VIEW "+schema+".entries AS SELECT * FROM "+schema+".fail()",
		)
		_, err := s.Get(t.Context(), "a")
		wantError(t, err, storage.ErrUnavailable)
		if errors.Is(err, storage.ErrConflict) {
			t.Errorf("got %v, which is about checks", err)
		}
	}
}
