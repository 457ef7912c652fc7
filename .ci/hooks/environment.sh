# shellcheck shell=bash
# Sourced by the hooks that build: finds cargo, and hides from it what Git sets for hooks.

# Programs with a window start Git without the settings of a shell.
if ! command -v cargo >/dev/null && [[ -f "${CARGO_HOME:-$HOME/.cargo}/env" ]]; then
  # shellcheck disable=SC1091
  source "${CARGO_HOME:-$HOME/.cargo}/env"
fi

# Tests that use repositories of their own must not be led to this one.
leave_git() {
  local names
  mapfile -t names < <(git rev-parse --local-env-vars)
  unset "${names[@]}"
}
