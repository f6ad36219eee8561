package dev.sluice.cli.watch;

/** How a change is written. */
enum OutputFormat {
  /** Type, namespace and name. */
  NAME,
  /** The whole object, one JSON object a line. */
  JSON,
  /** A table: time, type, namespace and name, version, generation, labels. */
  WIDE
}
