#!/bin/sh
# Runs the fuzz targets of the repository one after the other.
#   fuzz.sh rotate SECONDS   spends SECONDS in all on a part of the targets that changes with the day
#   fuzz.sh all DURATION     runs every target for DURATION
#
# What reads bytes of somebody else, and the targets that stand for it:
#   mail, text, CSV, HTML, pictures   Parse and Lint of sanitize/{mail,text,html,image}, Build of mail
#   PDF of others                     sanitize/pdfread FuzzParse (with the engine), FuzzNames
#   PDF of ours                       sanitize/pdf FuzzLint (any bytes), FuzzBuild (values of a captured worker)
#   inside pictures                   sanitize/image FuzzBoxes, FuzzMetafiles; sanitize/image/metafile FuzzPicture; sanitize/image/{bmp,tiff,fax} FuzzDecode, sanitize/image/icc FuzzNew
#   all kinds through the worker      sanitize FuzzServe (requests), FuzzAnswer (answers of a captured worker, Build, Lint)
#   text of any charset               sanitize/charset (every label), sanitize/plaintext, sanitize/hypertext
#   frames across the wall            sanitize/ir FuzzReader, sanitize/sandbox FuzzReady, FuzzParseUsage
#   what a file is                    sanitize/magic FuzzMatch
#   passports and sealing keys        sanitize/seal FuzzOpen, FuzzKeys
#   SMTP, in and out                  gateway/intake FuzzSession, FuzzStrict, FuzzCommand; gateway/deliver FuzzReadReply, FuzzDotWriter
#   configuration, policy, recipients gateway/config FuzzLoad, FuzzPolicy, FuzzRecipients
#   the log                           audit FuzzCheckpoint (anchors too), FuzzParseRecord, FuzzVerifyBundle, FuzzVerifyExport, FuzzParseAnchors, FuzzIndexFile, FuzzKeys
set -eu
mode=$1
list=$(grep -rl --include='*_test.go' '^func Fuzz' . | sort | while read -r f; do
	grep -o '^func Fuzz[A-Za-z0-9_]*' "$f" | sed "s|^func |$(dirname "$f") |"
done)
count=$(printf '%s\n' "$list" | wc -l)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
once() { # directory, target, duration
	echo "fuzz $1 $2 $3"
	# Making an interesting input smaller may take a minute by default, in which nothing is tried.
	{
		go test -run '^$' -fuzz "^$2\$" -fuzztime "$3" -fuzzminimizetime 1s "$1" 2>&1 && echo 0 >"$tmp/status" || echo $? >"$tmp/status"
	} | tee "$tmp/out"
	return "$(cat "$tmp/status")"
}
run() {
	once "$@" && return
	# Go's coordinator can take the end of its own time for a failure (golang/go#75804,
	# mended in Go 1.27). It then says that alone and writes no input. Such a target runs
	# once more, and a second failure counts, whatever it says.
	grep -A 1 "^--- FAIL: $2 " "$tmp/out" | tail -n 1 | grep -qx '    context deadline exceeded' || return 1
	! grep -q 'Failing input written' "$tmp/out" || return 1
	echo "fuzz: the end of the time was taken for a failure; once more"
	once "$@"
}
case $mode in
all)
	printf '%s\n' "$list" | while read -r dir name; do run "$dir" "$name" "$2"; done
	;;
rotate)
	each=10
	turns=$(($2 / each)) # at most, builds not counted
	day=$(($(date +%s) / 86400))
	end=$(($(date +%s) + $2))
	i=0
	while [ $i -lt $turns ] && [ $i -lt "$count" ] && [ "$(date +%s)" -lt $end ]; do
		n=$(((day * turns + i) % count + 1))
		line=$(printf '%s\n' "$list" | sed -n "${n}p")
		run "${line% *}" "${line#* }" "${each}s"
		i=$((i + 1))
	done
	;;
*)
	echo "usage: fuzz.sh rotate SECONDS | all DURATION" >&2
	exit 2
	;;
esac
