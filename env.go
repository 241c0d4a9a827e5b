package secrets

import (
	"fmt"
	"slices"
	"strings"
)

// NoEnv in place of a variable grants a secret without one: the service finds
// it by [Environment.Secret] only.
const NoEnv = "-"

const maxEnv = 128

// CheckEnv returns a [*EnvError] if a secret may not go to the environment
// variable env: it must match [A-Za-z_][A-Za-z0-9_]*, have at most 128 bytes,
// and not be one that changes how programs run, such as PATH, LD_PRELOAD,
// GODEBUG or HTTPS_PROXY. Those are compared without case; allow names the
// exceptions, compared without case too. [Service.Grant] and the package
// envload apply it.
func CheckEnv(env string, allow ...string) error {
	if err := checkEnvSyntax(env); err != nil {
		return err
	}
	upper := strings.ToUpper(env)
	same := func(s string) bool { return strings.ToUpper(s) == upper }
	if isPrivileged(upper) && !slices.ContainsFunc(allow, same) {
		return &EnvError{Env: env, Rule: "it changes how programs run, or is reserved; Options.AllowEnv, and Options.Allow of envload, admit it by name"}
	}
	return nil
}

func checkEnvSyntax(env string) error {
	if env == "" {
		return &EnvError{Rule: "it is empty"}
	}
	if len(env) > maxEnv {
		return &EnvError{Rule: fmt.Sprintf("it is longer than %d bytes", maxEnv)}
	}
	for i := range len(env) {
		switch c := env[i]; {
		case 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_':
		case '0' <= c && c <= '9' && i > 0:
		default:
			return &EnvError{Rule: fmt.Sprintf("at byte %d: only letters, digits and underscores are allowed, and no digit first", i)}
		}
	}
	return nil
}

// holdsNUL converts nothing: that would copy the value.
func holdsNUL[T string | []byte](value T) bool {
	for i := range len(value) {
		if value[i] == 0 {
			return true
		}
	}
	return false
}

// checkEnvValue returns an error if the variable, unless it is [NoEnv], cannot
// carry value: the system ends a variable at a NUL byte (CVE-2022-41716).
func checkEnvValue[T string | []byte](env string, value T) error {
	if env == NoEnv || !holdsNUL(value) {
		return nil
	}
	return &EnvError{Env: env, Rule: "the value holds a NUL byte, which no variable can carry; grant it with NoEnv"}
}

// isPrivileged reports whether an upper-case variable changes how a program
// that is started with it runs: what it loads, executes, trusts, or where it
// connects and writes. The names are exact but for two families, since
// prefixes would refuse honest ones: GOOGLE_API_KEY, LD_SDK_KEY, SSL_CERT_PEM
// and TRUST_PROXY are real.
func isPrivileged(upper string) bool {
	if strings.HasPrefix(upper, "DYLD_") || strings.HasPrefix(upper, "SECRETS_") {
		return true
	}
	_, found := slices.BinarySearch(privileged, upper)
	return found
}

// privileged is sorted. Sources: ld.so(8) and its like on AIX and FreeBSD,
// environ(7), bash(1), the runtime package and "go help environment", and the
// manuals of the interpreters and other runtimes, of compilers and build tools,
// of OpenSSL, curl, git, tar, rsync and vim. GIT_CONFIG is not among them: only
// "git config" itself looks at it.
var privileged = []string{
	"ALL_PROXY", "AR", "AWS_CONFIG_FILE", "BASHOPTS", "BASH_ENV", "BASH_LOADABLES_PATH", "BAT_PAGER",
	"BROWSER", "BUNDLE_GEMFILE", "CC", "CDPATH", "CGO_CFLAGS", "CGO_CPPFLAGS", "CGO_CXXFLAGS", "CGO_ENABLED",
	"CGO_FFLAGS", "CGO_LDFLAGS", "CLASSPATH", "COMSPEC", "CORECLR_ENABLE_PROFILING", "CORECLR_PROFILER",
	"CORECLR_PROFILER_PATH", "CORECLR_PROFILER_PATH_32", "CORECLR_PROFILER_PATH_64",
	"CORECLR_PROFILER_PATH_ARM32", "CORECLR_PROFILER_PATH_ARM64", "COR_ENABLE_PROFILING", "COR_PROFILER",
	"COR_PROFILER_PATH", "COR_PROFILER_PATH_32", "COR_PROFILER_PATH_64", "CURL_CA_BUNDLE", "CURL_HOME",
	"CVS_RSH", "CXX", "DOTNET_ADDITIONAL_DEPS", "DOTNET_STARTUP_HOOKS", "EDITOR", "ENV", "ERL_AFLAGS",
	"ERL_FLAGS", "ERL_ZFLAGS", "EXINIT", "FC", "FPATH", "FTP_PROXY", "GCCGO", "GCONV_PATH", "GEM_HOME",
	"GEM_PATH", "GETCONF_DIR", "GIO_EXTRA_MODULES", "GIT_ASKPASS", "GIT_CONFIG_COUNT", "GIT_CONFIG_GLOBAL",
	"GIT_CONFIG_PARAMETERS", "GIT_CONFIG_SYSTEM", "GIT_DIR", "GIT_EDITOR", "GIT_EXEC_PATH",
	"GIT_EXTERNAL_DIFF", "GIT_PAGER", "GIT_PROXY_COMMAND", "GIT_SSH", "GIT_SSH_COMMAND", "GIT_SSL_NO_VERIFY",
	"GIT_TEMPLATE_DIR", "GIT_TRACE", "GLIBC_TUNABLES", "GLOBIGNORE", "GO111MODULE", "GO386", "GOAMD64",
	"GOARCH", "GOARM", "GOARM64", "GOAUTH", "GOBIN", "GOCACHE", "GOCACHEPROG", "GOCOVERDIR", "GODEBUG",
	"GOENV", "GOEXPERIMENT", "GOFIPS140", "GOFLAGS", "GOGC", "GOINSECURE", "GOMAXPROCS", "GOMEMLIMIT",
	"GOMIPS", "GOMIPS64", "GOMODCACHE", "GONOPROXY", "GONOSUMDB", "GOOS", "GOPATH", "GOPPC64", "GOPRIVATE",
	"GOPROXY", "GORACE", "GORISCV64", "GOROOT", "GOSUMDB", "GOTELEMETRY", "GOTELEMETRYDIR", "GOTMPDIR",
	"GOTOOLCHAIN", "GOTOOLDIR", "GOTRACEBACK", "GOVCS", "GOWASM", "GOWORK", "GRADLE_OPTS", "GTK_MODULES",
	"GTK_PATH", "HISTFILE", "HOME", "HOSTALIASES", "HTTPS_PROXY", "HTTP_PROXY", "IFS", "INPUTRC", "JAVA_HOME",
	"JAVA_OPTIONS", "JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "JULIA_LOAD_PATH", "KRB5_CONFIG", "KUBECONFIG",
	"LANG", "LANGUAGE", "LC_ALL", "LC_COLLATE", "LC_CTYPE", "LC_MESSAGES", "LC_MONETARY", "LC_NUMERIC",
	"LC_TIME", "LDR_PRELOAD", "LDR_PRELOAD64", "LD_32_PRELOAD", "LD_ASSUME_KERNEL", "LD_AUDIT", "LD_BIND_NOT",
	"LD_BIND_NOW", "LD_DEBUG", "LD_DEBUG_OUTPUT", "LD_DYNAMIC_WEAK", "LD_ELF_HINTS_PATH", "LD_HWCAP_MASK",
	"LD_LIBMAP", "LD_LIBRARY_PATH", "LD_LIBRARY_PATH_FDS", "LD_ORIGIN_PATH", "LD_POINTER_GUARD",
	"LD_PREFER_MAP_32BIT_EXEC", "LD_PRELOAD", "LD_PRELOAD_32", "LD_PRELOAD_64", "LD_PROFILE",
	"LD_PROFILE_OUTPUT", "LD_SHOW_AUXV", "LD_TRACE_LOADED_OBJECTS", "LD_USE_LOAD_BIAS", "LD_VERBOSE",
	"LD_WARN", "LESSCLOSE", "LESSOPEN", "LIBPATH", "LOCALDOMAIN", "LOCPATH", "LOGNAME", "LUA_CPATH",
	"LUA_CPATH_5_2", "LUA_CPATH_5_3", "LUA_CPATH_5_4", "LUA_CPATH_5_5", "LUA_INIT", "LUA_INIT_5_2",
	"LUA_INIT_5_3", "LUA_INIT_5_4", "LUA_INIT_5_5", "LUA_PATH", "LUA_PATH_5_2", "LUA_PATH_5_3",
	"LUA_PATH_5_4", "LUA_PATH_5_5", "MAIL", "MAKEFILES", "MAKEFLAGS", "MALLOC_CHECK_", "MALLOC_CONF",
	"MALLOC_PERTURB_", "MALLOC_TRACE", "MANPAGER", "MAVEN_OPTS", "NETRC", "NIS_PATH", "NLSPATH",
	"NODE_EXTRA_CA_CERTS", "NODE_OPTIONS", "NODE_PATH", "NODE_TLS_REJECT_UNAUTHORIZED", "NODE_V8_COVERAGE",
	"NO_PROXY", "NPM_CONFIG_PREFIX", "NPM_CONFIG_REGISTRY", "NPM_CONFIG_SCRIPT_SHELL", "OLDPWD",
	"OPENSSL_CONF", "OPENSSL_CONF_INCLUDE", "OPENSSL_ENGINES", "OPENSSL_IA32CAP", "OPENSSL_MODULES", "PAGER",
	"PATH", "PATHEXT", "PERL5DB", "PERL5LIB", "PERL5OPT", "PERLIO", "PERLLIB", "PHPRC", "PHP_INI_SCAN_DIR",
	"PIP_EXTRA_INDEX_URL", "PIP_INDEX_URL", "PKG_CONFIG", "PKG_CONFIG_PATH", "PROMPT_COMMAND", "PS0", "PS1",
	"PS2", "PS3", "PS4", "PWD", "PYTHONBREAKPOINT", "PYTHONEXECUTABLE", "PYTHONHOME", "PYTHONINSPECT",
	"PYTHONPATH", "PYTHONPLATLIBDIR", "PYTHONPYCACHEPREFIX", "PYTHONSTARTUP", "PYTHONUSERBASE",
	"PYTHONWARNINGS", "QT_PLUGIN_PATH", "REQUESTS_CA_BUNDLE", "RESOLV_HOST_CONF", "RESOLV_MULTI",
	"RES_OPTIONS", "RSYNC_RSH", "RUBYGEMS_GEMDEPS", "RUBYLIB", "RUBYOPT", "RUBYSHELL", "RUSTC",
	"RUSTC_WRAPPER", "R_ENVIRON", "R_ENVIRON_USER", "R_PROFILE", "R_PROFILE_USER", "SBT_OPTS", "SHELL",
	"SHELLOPTS", "SHLIB_PATH", "SSH_ASKPASS", "SSH_AUTH_SOCK", "SSH_SK_PROVIDER", "SSLKEYLOGFILE",
	"SSL_CERT_DIR", "SSL_CERT_FILE", "SUDO_ASKPASS", "SVN_SSH", "SYSTEMD_PAGER", "SYSTEMROOT", "TAR_OPTIONS",
	"TCLLIBPATH", "TEMP", "TERM", "TERMCAP", "TERMINFO", "TERMINFO_DIRS", "TMP", "TMPDIR", "TZ", "TZDIR",
	"USER", "VIMINIT", "VISUAL", "WINDIR", "XDG_CACHE_HOME", "XDG_CONFIG_DIRS", "XDG_CONFIG_HOME",
	"XDG_DATA_DIRS", "XDG_DATA_HOME", "XDG_RUNTIME_DIR", "ZDOTDIR", "_JAVA_OPTIONS",
}
