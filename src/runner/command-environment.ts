/**
 * What a command gets of our environment. Short on purpose: an agent's credentials and settings
 * that would change a measurement (NODE_OPTIONS, GIT_DIR, TERM, …) stay out.
 */
const PASSED_ON = [
  "PATH",
  "HOME",
  "USER",
  "LOGNAME",
  "SHELL",
  "TMPDIR",
  "TZ",
  "LANG",
  "LC_ALL",
  "LC_CTYPE",
  // Where package managers keep what they fetched, and how they reach their registry.
  "XDG_CACHE_HOME",
  "NVM_DIR",
  "npm_config_cache",
  "npm_config_registry",
  "NODE_EXTRA_CA_CERTS",
  "SSL_CERT_FILE",
  "SSL_CERT_DIR",
  "HTTP_PROXY",
  "HTTPS_PROXY",
  "NO_PROXY",
  "http_proxy",
  "https_proxy",
  "no_proxy",
];

type Environment = Readonly<Record<string, string | undefined>>;

export function commandEnvironment(parent: Environment): Record<string, string> {
  const passed = PASSED_ON.flatMap((name) => {
    const value = parent[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return { ...Object.fromEntries(passed), CI: "true", GIT_TERMINAL_PROMPT: "0" };
}
