# Finds a JDK that can build and run Sluice and exports JAVA_HOME. Sourced by ./mvnw and ./sluice (POSIX sh).
#
# In this order: JAVA_HOME if it is a JDK of at least the release below; else `java` on the PATH if it belongs to one; else the
# newest one among the places where JDKs are usually installed. A JAVA_HOME that is too old is passed over with a note, so that a
# machine whose default Java is old still builds without being configured.

sluice_jdk_minimum=21

# Prints the feature release (17, 21, 25 ...) of the JDK in $1; nothing when there is no JDK (a JRE without javac does not count).
sluice_jdk_release() {
  [ -x "$1/bin/java" ] && [ -x "$1/bin/javac" ] && [ -r "$1/release" ] || return 0
  sed -n 's/^JAVA_VERSION="\(1\.\)\{0,1\}\([0-9][0-9]*\).*/\2/p' "$1/release"
}

sluice_jdk_good() {
  sluice_found="$(sluice_jdk_release "$1")"
  [ -n "$sluice_found" ] && [ "$sluice_found" -ge "$sluice_jdk_minimum" ]
}

sluice_jdk_name() {
  if [ -n "$sluice_found" ]; then echo "Java $sluice_found"; else echo "not a JDK"; fi
}

sluice_find_jdk() {
  if [ -n "${JAVA_HOME-}" ]; then
    if sluice_jdk_good "$JAVA_HOME"; then
      return 0
    fi
    sluice_seen="JAVA_HOME=$JAVA_HOME is $(sluice_jdk_name)"
  else
    sluice_seen="JAVA_HOME is not set"
  fi

  sluice_java="$(command -v java || :)"
  if [ -n "$sluice_java" ]; then
    # Follow links (update-alternatives) to the real installation.
    while [ -L "$sluice_java" ]; do
      sluice_link="$(readlink "$sluice_java")"
      case "$sluice_link" in
        /*) sluice_java="$sluice_link" ;;
        *) sluice_java="$(dirname "$sluice_java")/$sluice_link" ;;
      esac
    done
    sluice_home="$(dirname "$(dirname "$sluice_java")")"
    if sluice_jdk_good "$sluice_home"; then
      JAVA_HOME="$sluice_home"
      export JAVA_HOME
      return 0
    fi
    sluice_seen="$sluice_seen; java on the PATH is $(sluice_jdk_name)"
  else
    sluice_seen="$sluice_seen; there is no java on the PATH"
  fi

  sluice_best=""
  sluice_best_release=0
  set +f
  for sluice_home in \
    /usr/lib/jvm/* /opt/java/* /opt/jdk* /usr/java/* /usr/local/openjdk* \
    "$HOME"/.sdkman/candidates/java/* "$HOME"/.jdks/* "$HOME"/.local/share/mise/installs/java/* \
    /Library/Java/JavaVirtualMachines/*/Contents/Home "$HOME"/Library/Java/JavaVirtualMachines/*/Contents/Home \
    /opt/homebrew/opt/openjdk*/libexec/openjdk.jdk/Contents/Home; do
    if sluice_jdk_good "$sluice_home" && [ "$sluice_found" -gt "$sluice_best_release" ]; then
      sluice_best="$sluice_home"
      sluice_best_release="$sluice_found"
    fi
  done
  set -f
  if [ -n "$sluice_best" ]; then
    if [ -n "${JAVA_HOME-}" ]; then
      echo "note: $sluice_seen; using Java $sluice_best_release in $sluice_best" >&2
    fi
    JAVA_HOME="$sluice_best"
    export JAVA_HOME
    return 0
  fi

  echo "error: Sluice needs a JDK (with javac) of release $sluice_jdk_minimum or newer and found none ($sluice_seen; none in /usr/lib/jvm," \
    "~/.sdkman, ~/.jdks and the like); install one, for example with 'apt-get install openjdk-21-jdk' or 'brew install" \
    "openjdk', or set JAVA_HOME to where it is" >&2
  return 1
}
