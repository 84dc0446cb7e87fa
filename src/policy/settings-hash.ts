/**
 * The hash of an applied version. It covers the profile's text too: where another guvnor ships
 * another one, the version counts as changed. A shell can recompute it:
 * `(sha256sum < profiles/standard.yaml | cut -c1-64; cat guvnor.yaml) | sha256sum`
 * @param sha256 - Lower-case hex of the text's UTF-8 bytes.
 */
export function settingsHash(
  source: string,
  profileSource: string,
  sha256: (text: string) => string,
): string {
  return sha256(`${sha256(profileSource)}\n${source}`);
}
