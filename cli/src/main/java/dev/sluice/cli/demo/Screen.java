package dev.sluice.cli.demo;

/**
 * Where the demo shows itself. Lines that are said stay; of readings the last one counts. Safe for
 * use by any number of threads.
 */
interface Screen extends AutoCloseable {

  /** Writes a line that stays. */
  void say(String line);

  /** Shows the present state. */
  void show(Reading reading);

  /** Leaves the terminal as it was found. What is said afterwards is still written. */
  @Override
  void close();
}
