# Shared by the scripts of this folder: where things are kept, and how progress is said. Sourced from the repository root.
cache_dir=${PLUMBLINE_CACHE:-$HOME/.cache/plumbline}
libtorch_root=$cache_dir/libtorch-2.11.0
cuda_root=$cache_dir/cuda-13.0.88
googleapis_root=$cache_dir/googleapis-1.76.0
emoji_root=$cache_dir/emoji-2.16.0
syllapy_root=$cache_dir/syllapy-0.8.0
tagger_root=$cache_dir/voice-g2p-0.2.2
pythainlp_root=$cache_dir/pythainlp-5.4.0
log_dir=$cache_dir/log
mkdir -p "$log_dir"

# ccache: another checkout of the same sources hits the same entries.
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1

say() { printf '[plumbline] %s\n' "$*" >&2; }
die() { say "error: $*"; exit 1; }

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"
  elif command -v sudo >/dev/null; then sudo "$@"
  else die "needs root to run: $*; install sudo or run as root"; fi
}

# A Python 3 with pip. A bare Debian's python3 has none, so a small virtual environment serves.
tools_python() {
  local venv=$cache_dir/tools-venv
  [ -x "$venv/bin/pip" ] || python3 -m venv "$venv" >&2
  echo "$venv/bin/python"
}

# Configures and builds one preset: build_preset PRESET [TARGET...]
build_preset() {
  local preset=$1; shift
  [ -f "build/$preset/build.ninja" ] || { say "configuring build/$preset"; cmake --preset "$preset" >"$log_dir/configure-$preset.log" 2>&1 ||
    { tail -n 40 "$log_dir/configure-$preset.log" >&2; die "configure failed, see $log_dir/configure-$preset.log"; }; }
  say "building build/$preset (the first time takes a while)"
  cmake --build --preset "$preset" ${1:+--target "$@"} >"$log_dir/build-$preset.log" 2>&1 ||
    { grep -E 'error|FAILED' -A4 "$log_dir/build-$preset.log" | head -n 60 >&2; die "build failed, see $log_dir/build-$preset.log"; }
}
