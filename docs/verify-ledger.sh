#!/bin/sh
# Checks an export of guvnor's ledger without any of guvnor's code.
#
#   sh verify-ledger.sh EXPORT.jsonl [HEAD_HASH]
#
# Needs a POSIX shell, awk and sha256sum (or shasum). Exit code 0: every entry holds, and the last one
# has HEAD_HASH where one was given. 1: the entry named does not hold. 2: it could not be checked.
# docs/audit-format.md says what is checked here, and what is not.
set -eu
export LC_ALL=C

if [ $# -lt 1 ] || [ $# -gt 2 ] || [ ! -r "$1" ]; then
  echo "usage: sh verify-ledger.sh EXPORT.jsonl [HEAD_HASH]" >&2
  exit 2
fi
if command -v sha256sum >/dev/null; then
  digest="sha256sum"
elif command -v shasum >/dev/null; then
  digest="shasum -a 256"
else
  echo "there is neither sha256sum nor shasum" >&2
  exit 2
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# shellcheck disable=SC2016 # the program is awk's
awk -v digest="$digest" -v text="$work/text" -v head="${2-}" '
  BEGIN {
    previous = sprintf("%064d", 0)
    start = "^\\{\"seq\":[0-9]+,\"prev_hash\":\"[^\"]*\",\"hash\":\"[^\"]*\",\"body\":\""
    for (code = 1; code < 256; code++) byte[code] = sprintf("%c", code)
    short["b"] = "\b"; short["f"] = "\f"; short["n"] = "\n"; short["r"] = "\r"; short["t"] = "\t"
    short["\""] = "\""; short["\\"] = "\\"; short["/"] = "/"
  }

  # Ends everything: what was found is in `message`, and the exit code says what kind it is.
  function stop(message, exit_code) { print message; failed = 1; status = exit_code; exit }

  function hex(digits,   value, i, digit) {
    value = 0
    for (i = 1; i <= 4; i++) {
      digit = index("0123456789abcdef", tolower(substr(digits, i, 1)))
      if (digit == 0) return -1
      value = value * 16 + digit - 1
    }
    return value
  }

  function utf8(point) {
    if (point < 128) return byte[point]
    if (point < 2048) return byte[192 + int(point / 64)] byte[128 + point % 64]
    if (point < 65536)
      return byte[224 + int(point / 4096)] byte[128 + int(point / 64) % 64] byte[128 + point % 64]
    return byte[240 + int(point / 262144)] byte[128 + int(point / 4096) % 64] \
      byte[128 + int(point / 64) % 64] byte[128 + point % 64]
  }

  # The bytes that a JSON string stands for; "bad" is set where it is none.
  function decode(raw,   out, at, next_char, point, low) {
    out = ""; bad = 0
    while ((at = index(raw, "\\")) > 0) {
      if (index(substr(raw, 1, at - 1), "\"") > 0) { bad = 1; return "" }
      out = out substr(raw, 1, at - 1)
      next_char = substr(raw, at + 1, 1)
      raw = substr(raw, at + 2)
      if (next_char in short) { out = out short[next_char]; continue }
      point = next_char == "u" ? hex(raw) : -1
      raw = substr(raw, 5)
      if (point >= 55296 && point < 56320 && substr(raw, 1, 2) == "\\u") {
        low = hex(substr(raw, 3))
        raw = substr(raw, 7)
        point = low >= 56320 && low < 57344 ? 65536 + (point - 55296) * 1024 + low - 56320 : -1
      }
      # A NUL or half a pair cannot be in a body that guvnor wrote.
      if (point < 1 || (point >= 55296 && point < 57344)) { bad = 1; return "" }
      out = out utf8(point)
    }
    if (index(raw, "\"") > 0) bad = 1
    return out raw
  }

  {
    if (!match($0, start) || substr($0, length($0) - 1) != "\"}")
      stop("line " NR " is no entry", 1)
    body = decode(substr($0, RLENGTH + 1, length($0) - RLENGTH - 2))
    if (bad) stop("line " NR " is no entry: its body is no JSON string", 1)
    split(substr($0, 1, RLENGTH), part, "\"")
    seq = substr(part[3], 2, length(part[3]) - 2)
    prev_hash = part[6]
    hash = part[10]

    if (seq "" != NR "") stop("#" seq " stands where #" NR " belongs", 1)
    if (prev_hash "" != previous "") stop("#" seq " does not follow #" (NR - 1), 1)
    ORS = ""; print prev_hash "\n" seq "\n" body > text; ORS = "\n"
    if (close(text) != 0) stop("cannot write to " text, 2)
    command = digest " < " text
    command | getline answer
    if (close(command) != 0) stop("cannot run " digest, 2)
    if (substr(answer, 1, 64) "" != hash "") stop("#" seq " was changed: its hash is not that of its body", 1)
    previous = hash
    checked = NR
  }

  END {
    if (failed) exit status
    if (head != "" && head "" != previous "") {
      print "the ledger ends with #" (checked + 0) ", whose hash is not " head
      exit 1
    }
    print (checked + 0) " entries hold; the last hash is " previous
  }
' "$1"
