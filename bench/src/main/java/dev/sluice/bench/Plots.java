package dev.sluice.bench;

import dev.sluice.flow.AdaptiveLimit;
import dev.sluice.flow.Gate;
import dev.sluice.flow.LimitLaw;
import dev.sluice.flow.Rate;
import dev.sluice.flow.RateLimiter;
import dev.sluice.flow.VirtualTime;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.function.Function;

/**
 * What limiters and gates do with a burst and with a slow other side, drawn for the guides from
 * runs of the real classes in virtual time. The runs depend on nothing but the code: the same
 * commit draws the same lines.
 *
 * <p>{@code bench/plots} writes them to {@code docs/guides/plots}.
 */
final class Plots {
  private Plots() {}

  /** One line: x in seconds. */
  record Line(List<Double> x, List<Double> y) {
    Line() {
      this(new ArrayList<>(), new ArrayList<>());
    }

    /** What has not changed since the last two points moves the last one. */
    void add(double atX, double atY) {
      int last = y.size() - 1;
      if (last > 0 && y.get(last) == atY && y.get(last - 1) == atY) {
        x.set(last, atX);
      } else {
        x.add(atX);
        y.add(atY);
      }
    }

    /** Stays as it is until then, and jumps. */
    void stepTo(double atX, double atY) {
      if (!y.isEmpty()) {
        add(atX, last());
      }
      add(atX, atY);
    }

    double last() {
      return y.getLast();
    }

    double most() {
      return y.stream().mapToDouble(Double::doubleValue).max().orElse(0);
    }
  }

  /**
   * A picture to be.
   *
   * @param lines by what the legend calls them; the first is what is asked for or can be had, drawn
   *     as a backdrop
   */
  record Plot(String file, String title, String yTitle, Map<String, Line> lines) {
    Line line(String name) {
      return Objects.requireNonNull(lines.get(name), name);
    }
  }

  public static void main(String[] arguments) throws IOException {
    Path folder = Path.of(arguments[0]);
    Files.createDirectories(folder);
    for (Plot plot : all()) {
      Path file = folder.resolve(plot.file);
      Drawing.write(plot, file);
      System.out.println(file);
    }
  }

  static List<Plot> all() {
    List<Plot> all = new ArrayList<>();
    all.add(bursts());
    all.addAll(capacitySteps());
    all.addAll(slowConsumer());
    return all;
  }

  // ---- limiters under bursts

  /** 40 requests at one instant, twice, with a pause between. */
  static Plot bursts() {
    Map<String, Line> lines = new LinkedHashMap<>();
    Line asked = new Line();
    asked.add(0, 0);
    asked.stepTo(1, 40);
    asked.stepTo(12, 80);
    asked.add(20, 80);
    lines.put("asked for", asked);
    lines.put("token bucket, burst 20", granted(new Setup(b -> b.tokenBucket(rate(), 20))));
    lines.put("leaky bucket: shaper", granted(new Setup(b -> b.leakyBucket(rate(), 100))));
    lines.put("policer, depth 20", granted(new Setup(b -> b.leakyBucketPolicer(rate(), 20))));
    lines.put(
        "warm-up of 4 s", granted(new Setup(b -> b.warmingUp(rate(), Duration.ofSeconds(4)))));
    return new Plot(
        "limiters-burst.svg",
        "Two bursts of 40 requests at limiters of 10 a second",
        "requests let through",
        lines);
  }

  private static Rate rate() {
    return Rate.perSecond(10);
  }

  private record Setup(Function<RateLimiter.Builder, RateLimiter> kind) {}

  private static Line granted(Setup setup) {
    VirtualTime time = new VirtualTime();
    RateLimiter limiter = setup.kind.apply(RateLimiter.builder().time(time));
    Line line = new Line();
    line.add(0, 0);
    int[] granted = {0};
    for (int at : new int[] {1, 12}) {
      time.schedule(
          Duration.ofSeconds(at).toNanos(),
          () -> {
            for (int i = 0; i < 40; i++) {
              limiter
                  .acquireAsync()
                  .whenComplete((done, refused) -> {
                    if (refused == null) {
                      line.stepTo(time.nanoTime() / 1e9, ++granted[0]);
                    }
                  });
            }
          });
    }
    time.advance(Duration.ofSeconds(20));
    line.add(20, granted[0]);
    return line;
  }

  // ---- adaptive limits while the capacity changes

  private static final int SECONDS = 90;

  private static double capacityAt(double second) {
    return second >= 30 && second < 60 ? 200 : 500;
  }

  /** A server that does 500 a second, from 30 s to 60 s only 200; it refuses after 1 s of queue. */
  static List<Plot> capacitySteps() {
    Map<String, Line> limits = new LinkedHashMap<>();
    Map<String, Line> queues = new LinkedHashMap<>();
    Line capacity = new Line();
    for (int second : new int[] {0, 30, 60, SECONDS}) {
      capacity.stepTo(second, capacityAt(second));
    }
    limits.put("the server's capacity", capacity);
    Map<String, LimitLaw> laws = new LinkedHashMap<>();
    laws.put("gradient", LimitLaw.gradient());
    laws.put("server-guided by its queue", LimitLaw.serverGuided(Duration.ofMillis(20)));
    laws.put("AIMD, + 5 and x 0.7", LimitLaw.aimd(5));
    queues.put("none: fixed at 450/s", new Server(LimitLaw.aimd(1), 450).run().queue);
    laws.forEach((name, law) -> {
      Server server = new Server(law, 0).run();
      limits.put(name, server.limit);
      queues.put(name, server.queue);
    });
    return List.of(
        new Plot(
            "adaptive-limit.svg",
            "Adaptive rates while a server's capacity falls to 40 % and comes back",
            "limit, requests a second",
            limits),
        new Plot(
            "adaptive-queue.svg", "The queue that this makes at the server", "wait, ms", queues));
  }

  private static final class Server {
    private static final long TRAVEL = 5_000_000;
    private static final double LONGEST_WAIT = 1e9;

    private final VirtualTime time = new VirtualTime();
    private final SplittableRandom random = new SplittableRandom(42);
    private final RateLimiter limiter =
        RateLimiter.builder().time(time).tokenBucket(Rate.perSecond(1), 1);
    private final AdaptiveLimit adaptive;
    private final double fixed;
    private double freeAt;

    final Line limit = new Line();
    final Line queue = new Line();

    /**
     * @param fixed a rate that is not adapted; 0 for one that is
     */
    Server(LimitLaw law, double fixed) {
      this.fixed = fixed;
      adaptive =
          AdaptiveLimit.rate(100)
              .time(time)
              .clock(() -> Instant.EPOCH.plusNanos(time.nanoTime()))
              .law(law)
              .drives(perSecond -> limiter.setRate(Rate.perSecond(fixed > 0 ? fixed : perSecond)));
    }

    Server run() {
      send();
      for (int third = 0; third < SECONDS * 3; third++) {
        time.advance(Duration.ofNanos(1_000_000_000L / 3));
        AdaptiveLimit.Move move = adaptive.lastMove();
        limit.add(third / 3.0, fixed > 0 ? fixed : move.to());
        queue.add(third / 3.0, Math.max(0, freeAt - time.nanoTime()) / 1e6);
      }
      return this;
    }

    private void send() {
      limiter
          .acquireAsync()
          .thenRun(() -> {
            long sent = time.nanoTime();
            time.schedule(TRAVEL, () -> arrive(sent));
            time.schedule(0, this::send);
          });
    }

    private void arrive(long sent) {
      double wait = Math.max(0, freeAt - time.nanoTime());
      if (wait > LONGEST_WAIT) {
        time.schedule(TRAVEL, () -> adaptive.refused(Duration.ZERO));
        return;
      }
      double work = 1e9 / capacityAt(time.nanoTime() / 1e9) * random.nextDouble(0.5, 1.5);
      freeAt = time.nanoTime() + wait + work;
      time.schedule(
          (long) (wait + work) + TRAVEL,
          () ->
              adaptive.answered(
                  Duration.ofNanos(time.nanoTime() - sent), Duration.ofNanos((long) wait)));
    }
  }

  // ---- gates with a consumer that stalls

  /**
   * A stream of 60 changes a second of 50 objects; the consumer takes 100 a second, but none from 5
   * s to 12 s.
   */
  static List<Plot> slowConsumer() {
    Map<String, Line> pending = new LinkedHashMap<>();
    Map<String, Line> behind = new LinkedHashMap<>();
    for (Gate.Kind kind : Gate.Kind.values()) {
      VirtualTime time = new VirtualTime();
      Gate<Integer> gate = Gate.<Integer>builder(kind).time(time).build();
      SplittableRandom random = new SplittableRandom(7);
      Line inGate = new Line();
      Line unread = new Line();
      List<Integer> atTheServer = new ArrayList<>();
      boolean held = false;
      for (int tick = 0; tick < 30 * 300; tick++) { // 300 a second: 60 come, 100 can be taken
        double second = tick / 300.0;
        if (tick % 5 == 0) {
          atTheServer.add(random.nextInt(50));
        }
        if (held) {
          held = gate.stats().full();
        }
        while (!held && !atTheServer.isEmpty()) {
          held = gate.offer(atTheServer.getFirst(), Gate.Change.PUT, 1) == Gate.Offer.FULL;
          if (!held) {
            atTheServer.removeFirst();
          }
        }
        if (tick % 3 == 0 && (second < 5 || second >= 12)) {
          gate.poll();
        }
        if (tick % 30 == 0) {
          inGate.add(second, gate.stats().depth());
          unread.add(second, atTheServer.size());
        }
        time.advanceNanos(1_000_000_000L / 300);
      }
      String name = kind.name();
      pending.put(name, inGate);
      behind.put(name, unread);
    }
    return List.of(
        new Plot(
            "gates-pending.svg",
            "Changes in the gate; the consumer stalls from 5 s to 12 s",
            "pending in the gate",
            pending),
        new Plot(
            "gates-unread.svg",
            "Changes that are left to the server meanwhile",
            "not yet read from the stream",
            behind));
  }
}
