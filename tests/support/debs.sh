# Debian packages of a chosen suite, unpacked into a directory: no root, nothing installed,
# signatures checked. Sourced by get-bochs and guest-stub/linux/get-guest.
#
#   debs_open DIR SUITE        a private apt state below DIR/apt, indexes fetched
#   debs_version PACKAGE       its candidate version
#   debs_depends PACKAGE       its direct dependencies, one per line
#   debs_unpack ROOT PACKAGE.. downloads into DIR/debs, unpacks into ROOT
#   debs_close_libs ROOT FILE..  unpacks into ROOT whatever shared objects the files need
#   debs_close                 removes the private state
#
# The mirror is the one of this machine's own apt configuration.
export LC_ALL=C
LIBS=usr/lib/x86_64-linux-gnu

die() {
	echo "${0##*/}: $*" >&2
	exit 1
}

debs_mirror() {
	local release
	release=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
	# ORIGIN is known only where index files are; without them apt prints the placeholder
	apt-get indextargets --format '$(COMPONENT)|$(RELEASE)|$(REPO_URI)|$(ORIGIN)' \
		'Created-By: Packages' 2>/dev/null | awk -F'|' -v release="$release" \
		'$1 == "main" && $2 == release && ($4 == "" || $4 == "Debian" || $4 ~ /^\$/) { print $3; exit }'
}

debs_open() { # DIR SUITE
	local keys uri state=$1/apt
	DEBS=$1
	case $DEBS in *[[:space:]]*) die "$DEBS: the path may not contain white space" ;; esac
	[ "$(dpkg --print-architecture)" = amd64 ] || die "needs an amd64 machine"
	keys=$(ls /usr/share/keyrings/debian-archive-keyring.{pgp,gpg} 2>/dev/null | head -1)
	[ -n "$keys" ] || die "debian-archive-keyring is not installed: cannot check signatures"
	uri=$(debs_mirror)
	[ -n "$uri" ] || die "this machine's apt configuration names no Debian archive"
	rm -rf "$state" "$DEBS/debs"
	mkdir -p "$state"/{state/lists/partial,cache/archives/partial,etc} "$DEBS/debs"
	: >"$state/status"
	echo "deb [arch=amd64 signed-by=$keys] $uri $2 main" >"$state/etc/sources.list"
	cat >"$state/etc/apt.conf" <<-CONF
		Dir::State "$state/state/";
		Dir::State::status "$state/status";
		Dir::Cache "$state/cache/";
		Dir::Etc::sourcelist "$state/etc/sources.list";
		Dir::Etc::sourceparts "/dev/null";
		Dir::Etc::preferences "/dev/null";
		Dir::Etc::preferencesparts "/dev/null";
		Dir::Etc::trusted "/dev/null";
		Dir::Etc::trustedparts "/dev/null";
		APT::Sandbox::User "";
		APT::Architecture "amd64";
		APT::Architectures { "amd64"; };
		Acquire::Languages "none";
		Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
		Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled "false";
		Acquire::AllowInsecureRepositories "false";
		Acquire::Retries "3";
		APT::Get::AllowUnauthenticated "false";
		APT::Update::Error-Mode "any";
		#clear APT::Update::Pre-Invoke;
		#clear APT::Update::Post-Invoke;
		#clear APT::Update::Post-Invoke-Success;
	CONF
	echo "${0##*/}: Debian $2 from $uri, signatures checked with $keys"
	debs_apt apt-get -qq update || die "apt-get update failed: no network, or the installed" \
		"keyring does not know $2 (then update debian-archive-keyring)"
	debs_apt apt-cache pkgnames >"$state/names"
}

debs_apt() {
	APT_CONFIG=$DEBS/apt/etc/apt.conf "$@"
}

debs_version() {
	debs_apt apt-cache policy "$1" | sed -n 's/^ *Candidate: //p'
}

debs_depends() {
	debs_apt apt-cache depends "$1" | sed -n 's/^ *Depends: //p'
}

debs_unpack() { # ROOT PACKAGE...
	local root=$1 package file
	shift
	(cd "$DEBS/debs" && debs_apt apt-get -qq download "$@") || die "download of $* failed"
	for package; do
		file=$(ls "$DEBS/debs/${package}"_*.deb) || die "no file for $package"
		dpkg -x "$file" "$root"
		rm -f "$file"
	done
}

debs_find_lib() { # ROOT SONAME
	local dir
	for dir in "$LIBS" lib/x86_64-linux-gnu usr/lib64 lib64; do
		[ -e "$1/$dir/$2" ] && echo "$1/$dir/$2" && return 0
	done
	return 1
}

# Names of the package that may hold a shared object, best first: those that do not follow the
# rule, then the rule: libfoo.so.N lies in libfooN or libfoo-N, since 2024 perhaps with t64.
debs_lib_packages() { # SONAME
	case $1 in
	ld-linux*|libc.so.*|libm.so.*|libdl.so.*|libpthread.so.*|librt.so.*|libresolv.so.*) echo libc6 ;;
	libcrypto.so.3) echo libssl3t64 libssl3 ;;
	libgdk-3.so.*) echo libgtk-3-0t64 ;;
	libglib-*|libgio-*|libgobject-*|libgmodule-*|libgthread-*|libgirepository-*)
		echo libglib2.0-0t64 ;;
	libz.so.1) echo zlib1g ;;
	libatk-bridge-2.0.so.0) echo libatk-bridge2.0-0t64 ;;
	libatk-1.0.so.0) echo libatk1.0-0t64 ;;
	libatspi.so.0) echo libatspi2.0-0t64 ;;
	libbrotlicommon.so.1|libbrotlidec.so.1) echo libbrotli1 ;;
	libbz2.so.1.0) echo libbz2-1.0 ;;
	libharfbuzz.so.0) echo libharfbuzz0b ;;
	libjpeg.so.62) echo libjpeg62-turbo ;;
	libdb-5.3.so) echo libdb5.3t64 libdb5.3 ;;
	*)
		local base version
		base=$(echo "${1%%.so*}" | tr 'A-Z_' 'a-z-')
		version=${1##*.so.}
		version=${version%%.*}
		case $base in *[0-9]) base=$base- ;; esac
		echo "$base$version" "$base${version}t64" "$base-$version" "$base-${version}t64"
		;;
	esac
}

debs_package_of() { # SONAME
	local name
	for name in $(debs_lib_packages "$1"); do
		grep -qx -- "$name" "$DEBS/apt/names" && echo "$name" && return 0
	done
	die "cannot tell which package has $1"
}

debs_close_libs() { # ROOT FILE...
	local root=$1 seen=" " next missing file soname lib wanted
	shift
	while [ $# -gt 0 ]; do
		next= missing=
		for file; do
			for soname in $(readelf -dW "$file" | sed -n 's/.*(NEEDED).*\[\(.*\)\]$/\1/p'); do
				case $seen in *" $soname "*) continue ;; esac
				if lib=$(debs_find_lib "$root" "$soname"); then
					seen="$seen$soname "
					next="$next $lib"
				else
					missing="$missing $soname"
				fi
			done
		done
		if [ -n "$missing" ]; then
			wanted=$(for soname in $missing; do debs_package_of "$soname" || exit 1; done) || exit 1
			debs_unpack "$root" $(echo "$wanted" | sort -u)
			for soname in $missing; do
				debs_find_lib "$root" "$soname" >/dev/null || die "no $soname in" $wanted
			done
			set -- "$@" $next # look at the same files again, now complete
		else
			set -- $next
		fi
	done
}

# Nothing may come from outside the tree: the dynamic loader would fall back to the host's libraries.
debs_check_libs() { # ROOT FILE...
	local root=$1 loader file outside
	shift
	loader=$(debs_find_lib "$root" ld-linux-x86-64.so.2) || die "no dynamic loader in $root"
	for file; do
		outside=$("$loader" --library-path "$root/$LIBS" --list "$file" |
			awk -v root="$root/" '/not found/ || ($2 == "=>" && index($3, root) != 1)') ||
			die "cannot resolve $file"
		[ -z "$outside" ] || die "not self-contained: $file: $outside"
	done
}

debs_close() {
	rm -rf "$DEBS/apt" "$DEBS/debs"
}
