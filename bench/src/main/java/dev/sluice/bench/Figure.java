package dev.sluice.bench;

/**
 * What one contender needed for one work.
 *
 * @param work the work's name
 * @param contender who did it
 * @param version of the peer; empty for Sluice
 * @param value in the unit of the work
 * @param error half of the 99.9 % confidence interval, in the same unit; NaN if it is not known
 */
public record Figure(String work, String contender, String version, double value, double error) {

  static Figure of(String work, String contender, double value) {
    return new Figure(work, contender, "", value, Double.NaN);
  }
}
