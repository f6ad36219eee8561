package dev.sluice.bench;

/** How much time is taken. */
public enum Effort {
  /** As long as the figures need. */
  FULL,

  /** A second or so for each contender, for trying out. */
  QUICK,

  /** Just once, in this process, to see that it runs: the build does that. */
  BLINK;

  /** The value for the effort. */
  public <T> T choose(T full, T quick, T blink) {
    return switch (this) {
      case FULL -> full;
      case QUICK -> quick;
      case BLINK -> blink;
    };
  }
}
