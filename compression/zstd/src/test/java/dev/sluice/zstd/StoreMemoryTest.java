package dev.sluice.zstd;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.kube.Informer;
import dev.sluice.kube.Resource;
import dev.sluice.kube.ResourceKind;
import dev.sluice.kube.StoreStats;
import java.io.IOException;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.lang.ref.Reference;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * What an object costs at rest: the heap after collections, less what it was before the informer
 * was made, and what is held outside. The informer has a handler, whose books are counted, too.
 */
class StoreMemoryTest {
  private static final ResourceKind PODS = ResourceKind.namespaced("", "v1", "pods", "Pod");

  /** Bytes an object. */
  private record Cost(double heap, double outside, double raw, double packed, String stats) {
    @Override
    public String toString() {
      return String.format(
          Locale.ROOT,
          "an object: %.0f B in all; heap %.0f, outside %.0f; body %.0f B as it came, %.0f"
              + " packed%n%s",
          heap + outside,
          heap,
          outside,
          raw,
          packed,
          stats);
    }
  }

  private static long heap() {
    long used = Long.MAX_VALUE;
    for (int round = 0; round < 10; round++) {
      System.gc();
      long now = ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
      if (now > used - 10_000) {
        break;
      }
      used = now;
    }
    return used;
  }

  private static long direct() {
    return ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class).stream()
        .mapToLong(BufferPoolMXBean::getMemoryUsed)
        .sum();
  }

  private static Cost cost(int count, Duration rest) throws Exception {
    try (Pods pods = new Pods(count)) {
      long before = heap();
      long directBefore = direct();
      LongAdder told = new LongAdder();
      try (Informer<Resource> informer =
          Informer.of(pods, PODS)
              .auditEvery(Duration.ZERO)
              .compressAfter(rest)
              .onChange(change -> told.increment())
              .start()) {
        assertThat(informer.awaitSynced(Duration.ofMinutes(20))).isTrue();
        long deadline = System.nanoTime() + Duration.ofMinutes(5).toNanos();
        while (told.sum() < count || !rest.isZero() && informer.store().stats().packed() < count) {
          assertThat(System.nanoTime()).as("%s", informer.store().stats()).isLessThan(deadline);
          LockSupport.parkNanos(20_000_000);
        }
        StoreStats stats = informer.store().stats();
        Cost cost =
            new Cost(
                (double) (heap() - before) / count,
                (double) (direct() - directBefore + stats.coderBytes()) / count,
                (double) (stats.unpackedBytes() + stats.rawBytes()) / count,
                stats.packed() == 0 ? 0 : (double) stats.packedBytes() / stats.packed(),
                stats.toString());
        Reference.reachabilityFence(told);
        return cost;
      }
    }
  }

  /** The number of pods: lists them, waits until all are packed, and says what that took. */
  public static void main(String[] args) throws Exception {
    int count = Integer.parseInt(args[0]);
    Duration rest = Duration.parse(args[1]);
    long begun = System.nanoTime();
    Cost cost = cost(count, rest);
    System.out.printf(
        Locale.ROOT,
        "%d pods, packed after %s: %s; resident at most %d MiB; %.1f s%n",
        count,
        rest,
        cost,
        resident() >> 10,
        (System.nanoTime() - begun) / 1e9);
  }

  /** In KiB; what Linux says. */
  private static long resident() throws IOException {
    for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
      if (line.startsWith("VmHWM:")) {
        return Long.parseLong(line.replaceAll("\\D", ""));
      }
    }
    return 0;
  }

  @Test
  void anObjectAtRestCostsAtMostTwelveHundredBytes() throws Exception {
    Cost cost = cost(10_000, Duration.ofSeconds(1));

    System.out.println("10000 pods at rest, " + cost);
    assertThat(cost.heap() + cost.outside()).isLessThanOrEqualTo(1200);
  }

  @Test
  @Tag("long")
  void aMillionObjectsStandWithinTwoGigabytes() throws Exception {
    Process process =
        new ProcessBuilder(
                System.getProperty("java.home") + "/bin/java",
                "-Xmx1600m",
                "-XX:+UseSerialGC",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                StoreMemoryTest.class.getName(),
                "1000000",
                "PT10S")
            .redirectErrorStream(true)
            .start();
    String said =
        new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
    System.out.println(said);

    assertThat(process.waitFor()).as(said).isZero();
    int resident = Integer.parseInt(said.replaceAll("(?s).*resident at most (\\d+) MiB.*", "$1"));
    assertThat(resident).isBetween(500, 2000 * 1000 * 1000 >> 20);
  }
}
