# Debian 12 packages by purpose, and how they are installed. Sourced by ./run, ./test and .ci/run.

# To build: C toolchain and headers of the system libraries that are linked.
PACKAGES_BUILD="build-essential pkg-config cmake clang libclang-dev libavcodec-dev libavformat-dev libavutil-dev
libswresample-dev libx264-dev libpixman-1-dev libxkbcommon-dev libopus-dev libpulse-dev libsrt-gnutls-dev"

# To run games: sandbox, X11, sound, software GL. To look into films: ffmpeg with ffprobe.
PACKAGES_RUN="ffmpeg libsrt1.5-gnutls bubblewrap xwayland xkb-data libpulse0 libasound2-plugins libgl1-mesa-dri
libegl1 libgles2 libgl1 fonts-dejavu-core"

# To test: the browser, a display for it, foreign judges. coturn also brings a service of its own, which relays for
# nobody unless it is told to; the tests start theirs on loopback. lld links the example of a sensing app.
PACKAGES_TEST="chromium xvfb libsdl2-dev python3-venv pulseaudio pulseaudio-utils coturn libxml2-utils python3-gi
gir1.2-gst-rtsp-server-1.0 gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good
gstreamer1.0-plugins-bad gstreamer1.0-libav mosquitto-clients flatbuffers-compiler libflatbuffers-dev
python3-flatbuffers lld"

say() { printf '\033[1m%s\033[0m\n' "$*" >&2; }
fail() { printf 'playhouse: %s\n' "$*" >&2; exit 1; }

# install PACKAGE...: installs what is missing of the Debian packages, and says so.
install_packages() {
    local missing=() package
    for package in "$@"; do
        dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
    done
    [ ${#missing[@]} -eq 0 ] && return 0
    [ -n "${NO_INSTALL:-}" ] && fail "these Debian packages are missing: ${missing[*]}"
    local as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || fail "these Debian packages are missing, and there is no sudo to install them: ${missing[*]}"
        as_root=(sudo)
    fi
    say "Installing ${#missing[@]} Debian packages: ${missing[*]}"
    "${as_root[@]}" apt-get update -qq || fail "the lists of Debian's packages could not be updated"
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2 ||
        fail "these Debian packages could not be installed: ${missing[*]}"
}

# The compilers that no Debian 12 package provides in the version needed.
need_toolchains() {
    command -v cargo >/dev/null || fail "Rust is missing: install it from https://rustup.rs"
    command -v node >/dev/null || fail "Node.js 20 or newer is missing: install it from https://nodejs.org"
    local major
    major=$(node -p 'process.versions.node.split(".")[0]')
    [ "$major" -ge 20 ] || fail "Node.js is version $major, 20 or newer is needed"
}

# The pages, built only where a source is newer than the last build.
build_pages() {
    local stamp=web/app/dist/index.html
    if [ ! -d web/node_modules ] || [ web/package-lock.json -nt web/node_modules ]; then
        say "Fetching the pages' packages"
        (cd web && npm ci --no-audit --no-fund --loglevel=error) >&2 || fail "the pages' packages could not be fetched"
        touch web/node_modules
    fi
    if [ ! -f "$stamp" ] || [ -n "$(find web -name node_modules -prune -o -name dist -prune -o -name e2e -prune -o -type f -newer "$stamp" -print -quit)" ]; then
        say "Building the pages"
        (cd web && npm run --silent build) >&2 || fail "the pages could not be built"
    fi
}

# First-party games are programs of this workspace; a title's folder holds what it runs.
place_first_party() {
    local name
    for name in probe lanterns; do
        mkdir -p "titles/$name/bin"
        cmp -s "target/release/$name" "titles/$name/bin/$name" ||
            install -m 755 "target/release/$name" "titles/$name/bin/$name"
    done
}

# A fresh house has something to watch: a short film of our own, made once, while the server starts.
# make_film FLAGS: nothing where the flags choose other folders, whose contents are nobody's business but their owner's.
make_film() {
    case " $1 " in *" --data"* | *" --films"* | *" --config"*) return 0 ;; esac
    [ -z "${PLAYHOUSE_FILMS:-}${PLAYHOUSE_CONFIG:-}" ] || return 0
    local folder=${PLAYHOUSE_DATA:-.playhouse}/films
    [ -d "$folder" ] || nice -n 10 target/release/lantern "$folder/The Little Lantern (2026).mp4"
}
