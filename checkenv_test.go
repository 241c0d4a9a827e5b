package secrets_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-9f6dc42a/secrets"
)

// privilegedEnv are variables that change how programs run, by what they
// change. They are from the manuals of the programs, not from env.go.
var privilegedEnv = map[string]string{
	"loaders": `LD_PRELOAD LD_LIBRARY_PATH LD_AUDIT LD_BIND_NOW LD_BIND_NOT LD_DEBUG LD_DEBUG_OUTPUT LD_DYNAMIC_WEAK
		LD_HWCAP_MASK LD_ORIGIN_PATH LD_PROFILE LD_PROFILE_OUTPUT LD_SHOW_AUXV LD_TRACE_LOADED_OBJECTS LIBPATH SHLIB_PATH
		DYLD_INSERT_LIBRARIES DYLD_LIBRARY_PATH DYLD_FRAMEWORK_PATH DYLD_ DYLD_WHATEVER_COMES_NEXT
		LDR_PRELOAD LDR_PRELOAD64 LD_PRELOAD_32 LD_PRELOAD_64 LD_32_PRELOAD LD_LIBMAP LD_ELF_HINTS_PATH LD_LIBRARY_PATH_FDS`,
	"C library": `GLIBC_TUNABLES GCONV_PATH GETCONF_DIR LOCPATH NLSPATH NIS_PATH HOSTALIASES LOCALDOMAIN RES_OPTIONS
		RESOLV_HOST_CONF MALLOC_TRACE MALLOC_PERTURB_ MALLOC_CHECK_ TMPDIR TMP TEMP TZDIR TZ LANG LC_ALL LC_CTYPE`,
	"Go's runtime": `GODEBUG GOTRACEBACK GOGC GOMEMLIMIT GOMAXPROCS GORACE GOCOVERDIR`,
	"go command": `GOFLAGS GOPROXY GOSUMDB GONOSUMDB GONOPROXY GOPRIVATE GOINSECURE GOPATH GOROOT GOBIN GOCACHE GOMODCACHE
		GOCACHEPROG GOENV GOEXPERIMENT GOFIPS140 GOOS GOARCH GOAMD64 GOARM64 GOAUTH GOTOOLCHAIN GOTMPDIR GOTOOLDIR GOVCS GOWORK
		GO111MODULE CGO_ENABLED CGO_CFLAGS CGO_LDFLAGS CC CXX AR FC GCCGO PKG_CONFIG`,
	"shells": `PATH IFS ENV BASH_ENV BASHOPTS SHELLOPTS PS1 PS4 PROMPT_COMMAND CDPATH FPATH GLOBIGNORE ZDOTDIR BASH_LOADABLES_PATH
		HOME SHELL USER LOGNAME PWD OLDPWD TERM TERMINFO EDITOR VISUAL PAGER COMSPEC PATHEXT SYSTEMROOT WINDIR`,
	"proxies": `HTTP_PROXY HTTPS_PROXY FTP_PROXY ALL_PROXY NO_PROXY`,
	"TLS":     `SSL_CERT_FILE SSL_CERT_DIR SSLKEYLOGFILE OPENSSL_CONF OPENSSL_MODULES OPENSSL_ENGINES OPENSSL_IA32CAP CURL_CA_BUNDLE REQUESTS_CA_BUNDLE`,
	"interpreters": `NODE_OPTIONS NODE_PATH NODE_EXTRA_CA_CERTS NODE_TLS_REJECT_UNAUTHORIZED PYTHONPATH PYTHONHOME PYTHONSTARTUP
		PYTHONWARNINGS PYTHONBREAKPOINT PERL5OPT PERL5LIB PERL5DB PERLLIB RUBYOPT RUBYLIB GEM_PATH GEM_HOME
		JAVA_TOOL_OPTIONS JDK_JAVA_OPTIONS _JAVA_OPTIONS JAVA_HOME CLASSPATH MAVEN_OPTS PHPRC PHP_INI_SCAN_DIR
		PYTHONPYCACHEPREFIX NODE_V8_COVERAGE RUBYGEMS_GEMDEPS BUNDLE_GEMFILE GRADLE_OPTS SBT_OPTS
		LUA_INIT LUA_INIT_5_4 LUA_PATH LUA_PATH_5_2 LUA_CPATH LUA_CPATH_5_3 ERL_FLAGS ERL_AFLAGS ERL_ZFLAGS
		R_PROFILE R_PROFILE_USER R_ENVIRON R_ENVIRON_USER JULIA_LOAD_PATH TCLLIBPATH`,
	".NET": `DOTNET_STARTUP_HOOKS DOTNET_ADDITIONAL_DEPS CORECLR_ENABLE_PROFILING CORECLR_PROFILER CORECLR_PROFILER_PATH
		CORECLR_PROFILER_PATH_32 CORECLR_PROFILER_PATH_64 CORECLR_PROFILER_PATH_ARM32 CORECLR_PROFILER_PATH_ARM64
		COR_ENABLE_PROFILING COR_PROFILER COR_PROFILER_PATH COR_PROFILER_PATH_32 COR_PROFILER_PATH_64`,
	"desktops": `GTK_MODULES GTK_PATH GIO_EXTRA_MODULES QT_PLUGIN_PATH`,
	"tools": `GIT_SSH_COMMAND GIT_SSH GIT_EXEC_PATH GIT_CONFIG_GLOBAL GIT_CONFIG_COUNT GIT_ASKPASS GIT_EDITOR GIT_PAGER
		GIT_PROXY_COMMAND GIT_EXTERNAL_DIFF GIT_TEMPLATE_DIR SSH_AUTH_SOCK SSH_ASKPASS SUDO_ASKPASS LESSOPEN LESSCLOSE MANPAGER BROWSER
		XDG_CONFIG_HOME XDG_DATA_DIRS CURL_HOME NETRC PIP_INDEX_URL NPM_CONFIG_REGISTRY
		TAR_OPTIONS MAKEFLAGS MAKEFILES RUSTC RUSTC_WRAPPER VIMINIT EXINIT RSYNC_RSH CVS_RSH SVN_SSH SSH_SK_PROVIDER GIT_TRACE
		SYSTEMD_PAGER BAT_PAGER KUBECONFIG AWS_CONFIG_FILE KRB5_CONFIG`,
	"this package": `SECRETS_TOKEN SECRETS_TOKEN_FILE SECRETS_ SECRETS_ANYTHING`,
}

// honestEnv look like the ones above and are what people have secrets in.
var honestEnv = `
	GOOGLE_API_KEY GOOGLE_APPLICATION_CREDENTIALS GOCARDLESS_ACCESS_TOKEN GODADDY_SECRET GOPHER GO GO_TOKEN GOGC_TOKEN
	LD_SDK_KEY LD_PRELOAD_KEY LD_ _LD_PRELOAD LD_PRELOADS LDPRELOAD LD_CLIENT_ID LAUNCHDARKLY_SDK_KEY
	SSL_CERT_PEM SSL_CERT SSL_CERT_FILE_PASSWORD SSL_KEY OPENSSL_CONF_KEY TLS_KEY
	TRUST_PROXY PROXY PROXY_PASSWORD MY_HTTP_PROXY HTTP_PROXY_PASSWORD HTTPS_PROXY_ SOCKS_PROXY_USER _PROXY
	PATHS PATH_TOKEN MYPATH _PATH HOME_KEY HOMEASSISTANT_TOKEN SHELL_TOKEN USER_PASSWORD USERNAME ENVIRONMENT ENV_KEY MAIL_PASSWORD
	GIT_TOKEN GITHUB_TOKEN GITLAB_TOKEN GIT_CONFIG NODE_ENV NODE_AUTH_TOKEN NPM_TOKEN PYTHON_SECRET RUBY_TOKEN JAVA_KEYSTORE_PASSWORD
	PERL5 PHP_SECRET MALLOC CC_TOKEN ARK_KEY TZ_KEY TERMINUS_TOKEN LANGSMITH_API_KEY EDITORIAL_TOKEN PS5_KEY
	DYLD DYLDX_KEY MY_DYLD_PATH SECRETS SECRET_KEY MY_SECRETS_TOKEN DATABASE_URL API_KEY PGPASSWORD AWS_SECRET_ACCESS_KEY _ _1 a
	AWS_SHARED_CREDENTIALS_FILE AWS_CONFIG KUBECONFIG_TOKEN KUBE_TOKEN KRB5_PASSWORD TAR_KEY MAKE_TOKEN LUA_TOKEN ERLANG_COOKIE
	DOTNET_TOKEN CORECLR_KEY R_TOKEN RUSTC_TOKEN CARGO_REGISTRY_TOKEN BUNDLE_RUBYGEMS__ORG RSYNC_PASSWORD SVN_PASSWORD GIT_TRACER_KEY
`

func TestPrivilegedVariablesAreRefusedWithoutCase(t *testing.T) {
	t.Parallel()
	for family, list := range privilegedEnv {
		for _, name := range strings.Fields(list) {
			for _, env := range []string{name, strings.ToLower(name), strings.ToUpper(name[:1]) + strings.ToLower(name[1:])} {
				err := secrets.CheckEnv(env)
				if err == nil {
					t.Errorf("%s: %s is allowed", family, env)
					continue
				}
				wantError(t, err, secrets.ErrInvalidEnv)
				wantEnv(t, err, env, "")
			}
		}
	}
}

// The list is searched by halves.
func TestPrivilegedVariablesAreSortedAndInUpperCase(t *testing.T) {
	t.Parallel()
	if diff := cmp.Diff(slices.Compact(slices.Sorted(slices.Values(secrets.Privileged))), secrets.Privileged); diff != "" {
		t.Errorf("another order (-sorted +list):\n%s", diff)
	}
	for _, env := range secrets.Privileged {
		if env != strings.ToUpper(env) || secrets.CheckEnv(env) == nil {
			t.Errorf("%s is allowed", env)
		}
	}
}

func TestVariablesThatLookPrivilegedAreAllowed(t *testing.T) {
	t.Parallel()
	for _, name := range strings.Fields(honestEnv) {
		for _, env := range []string{name, strings.ToLower(name)} {
			if err := secrets.CheckEnv(env); err != nil {
				t.Errorf("%s: %v", env, err)
			}
		}
	}
}

func TestVariablesAllowedByNameAreThoseAlone(t *testing.T) {
	t.Parallel()
	for env, allow := range map[string][]string{
		"PATH": {"PATH"}, "path": {"PATH"}, "Ld_Preload": {"TZ", "ld_preload"}, "DYLD_LIBRARY_PATH": {"dyld_library_path"},
		"DATABASE_URL": {"PATH"}, "SECRETS_TOKEN": {"SECRETS_TOKEN", ""},
	} {
		if err := secrets.CheckEnv(env, allow...); err != nil {
			t.Errorf("%s with %q: %v", env, allow, err)
		}
	}
	for env, allow := range map[string][]string{
		"PATH": {"PATHS", " PATH", "PAT", "", "*"}, "LD_AUDIT": {"LD_", "LD_PRELOAD", "LD_*"}, "DYLD_B": {"DYLD_", "DYLD_A"},
		"A-B": {"A-B"}, "": {""}, "1A": {"1A"},
	} {
		if secrets.CheckEnv(env, allow...) == nil {
			t.Errorf("%s is allowed by %q", env, allow)
		}
	}
}

func TestVariablesHaveAtMost128Bytes(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.give(t, "a", "one")
	long := strings.Repeat("A_1", 43)[:128]
	if _, err := f.api.Grant(t.Context(), "a", long); err != nil {
		t.Fatal(err)
	}
	want(t, lookup(t.Context(), f.connect(t, f.token(t)), long), "one")
	wantEnv(t, secrets.CheckEnv(long+"A"), "", "")
}

// A secret whose own name leads to a privileged variable is granted elsewhere,
// or not at all. The test is not parallel: it captures what is printed.
func TestGrantRefusesPrivilegedVariables(t *testing.T) {
	f := newFixture(t)
	for secret, env := range map[secrets.Name]string{
		"path": "PATH", "ld-preload": "LD_PRELOAD", "https-proxy": "HTTPS_PROXY", "secrets-token": "SECRETS_TOKEN", "home": "HOME",
	} {
		if _, err := f.org.CreateSecret(t.Context(), secret, text(canary)); err != nil {
			t.Fatal(err)
		}
		for _, asked := range []string{"", env} {
			errs := wantRefused(t, f, secrets.ErrInvalidEnv, []call{grantCall(f.api, secret, asked, env)})
			wantEnv(t, errs[0], env, "")
		}
		if _, err := f.api.Grant(t.Context(), secret, "MY_"+env); err != nil {
			t.Error(err)
		}
		// Granted as it is, it does not get there by a second call either.
		wantRefused(t, f, secrets.ErrInvalidEnv, []call{grantCall(f.api, secret, strings.ToLower(env), strings.ToLower(env))})
		want(t, lookup(t.Context(), f.api, "MY_"+env), canary)
	}
}

// The test is not parallel: it captures what is printed.
func TestAllowEnvAdmitsAPrivilegedVariable(t *testing.T) {
	f := newFixture(t)
	if _, err := f.org.CreateSecret(t.Context(), "a", text(canary)); err != nil {
		t.Fatal(err)
	}
	client, err := secrets.Open(f.store, f.root, &secrets.Options{AllowEnv: []string{"node_options", "LD_PRELOAD"}})
	if err != nil {
		t.Fatal(err)
	}
	api := getService(t)(get(t)(client.Organization(t.Context(), "acme")).Service(t.Context(), "api"))
	session := f.connect(t, f.token(t))
	for _, env := range []string{"NODE_OPTIONS", "ld_preload"} {
		if _, err := api.Grant(t.Context(), "a", env); err != nil {
			t.Fatal(err)
		}
		want(t, lookup(t.Context(), session, env), canary)
	}
	wantRefused(t, f, secrets.ErrInvalidEnv, []call{grantCall(api, "a", "LD_AUDIT", "LD_AUDIT")})
	// What one Client allows is not allowed by another.
	wantRefused(t, f, secrets.ErrInvalidEnv, []call{grantCall(f.api, "a", "NODE_OPTIONS", "NODE_OPTIONS")})
}
