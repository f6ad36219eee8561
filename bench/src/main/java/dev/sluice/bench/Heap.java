package dev.sluice.bench;

import java.lang.management.ManagementFactory;

/** How much is reachable. */
final class Heap {
  private Heap() {}

  /** Bytes in use after collections, when a further one frees nothing. */
  static long used() {
    long before;
    long used = Long.MAX_VALUE;
    int rounds = 0;
    do {
      before = used;
      System.gc();
      used = ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
    } while (used < before - 10_000 && ++rounds < 10);
    return used;
  }
}
