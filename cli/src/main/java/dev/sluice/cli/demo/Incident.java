package dev.sluice.cli.demo;

import java.time.Duration;

/** Something that goes wrong in the script, and what is to be seen then. */
interface Incident {

  /** Its name, in two or three words. */
  String name();

  /** What happens, in one sentence without a full stop. */
  String story(Settings settings);

  /** How long it usually takes, on a machine that is busy. */
  Duration needs(Settings settings);

  /**
   * Lets it happen, waits until it is over, and judges. Blocks.
   *
   * @throws Exception what makes it impossible to go on with the demo; what only fails a check is a
   *     {@link Verdict}
   */
  Verdict run(Scene scene) throws Exception;
}
