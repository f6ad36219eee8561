package dev.sluice.flow;

import static org.jetbrains.lincheck.datastructures.ManagedStrategyGuaranteeKt.forClasses;

import dev.sluice.flow.RateLimiter.Reservation;
import java.util.ArrayDeque;
import java.util.Queue;
import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.ModelCheckingOptions;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;
import org.jetbrains.lincheck.datastructures.StressOptions;
import org.jetbrains.lincheck.datastructures.ThreadIdGen;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Every interleaving of a few operations gives results that some order of them would give, too. The
 * specification is the limiter itself, used by one thread; the model tests say what that must do.
 */
class RateLimiterLinearizabilityTest {

  @ParameterizedTest
  @ValueSource(classes = {Scenario.class, Keyed.class, Concurrency.class})
  @Tag("minutes")
  void everyInterleavingIsLinearizable(Class<?> scenario) {
    modelChecking().iterations(5).threads(2).invocationsPerIteration(100).check(scenario);
  }

  @ParameterizedTest
  @ValueSource(classes = {Scenario.class, Keyed.class, Concurrency.class})
  @Tag("long")
  void everyInterleavingOfLongerHistoriesIsLinearizable(Class<?> scenario) {
    modelChecking().iterations(200).threads(3).invocationsPerIteration(5000).check(scenario);
  }

  @ParameterizedTest
  @ValueSource(classes = {Scenario.class, Keyed.class, Concurrency.class})
  @Tag("long")
  void underStressItIsLinearizable(Class<?> scenario) {
    new StressOptions()
        .iterations(100)
        .threads(3)
        .actorsPerThread(4)
        .invocationsPerIteration(10_000)
        .check(scenario);
  }

  private static ModelCheckingOptions modelChecking() {
    return new ModelCheckingOptions()
        .actorsPerThread(3)
        .actorsBefore(2)
        .actorsAfter(2)
        // Pure functions: where threads switch inside makes no difference.
        .addGuarantee(
            forClasses(
                    CellRate.class.getName(),
                    "java.math.BigDecimal",
                    "java.math.BigInteger",
                    "java.math.MathContext")
                .allMethods()
                .ignore());
  }

  public static class Scenario {
    private final VirtualTime time = new VirtualTime();
    private final RateLimiter limiter =
        RateLimiter.builder().time(time).tokenBucket(Rate.perSecond(1), 3);

    // Those of the group make more than one call each: they run one after the other, beside the
    // rest.
    private final Queue<Reservation> reservations = new ArrayDeque<>();

    @Operation
    public boolean tryOne() {
      return limiter.tryAcquire();
    }

    @Operation
    public boolean tryTwo() {
      return limiter.tryAcquire(2);
    }

    @Operation(nonParallelGroup = "serial")
    public boolean wait1() {
      return limiter.acquireAsync().isDone();
    }

    @Operation(nonParallelGroup = "serial")
    public long reserve() {
      Reservation reservation = limiter.reserve();
      reservations.add(reservation);
      return reservation.delay().toMillis();
    }

    @Operation(nonParallelGroup = "serial")
    public boolean giveBack() {
      return !reservations.isEmpty() && reservations.remove().cancel();
    }

    @Operation(nonParallelGroup = "serial")
    public void faster() {
      limiter.setRate(Rate.perSecond(2));
    }

    @Operation(nonParallelGroup = "serial")
    public void smaller() {
      limiter.setBurst(2);
    }

    @Operation(nonParallelGroup = "serial")
    public void timeGoes() {
      time.advanceNanos(1_000_000_000L);
    }

    @Operation
    public double available() {
      return limiter.available();
    }
  }

  @Param(name = "key", gen = IntGen.class, conf = "1:3")
  public static class Keyed {
    private final VirtualTime time = new VirtualTime();
    private final KeyedRateLimiter<Integer> limiter =
        RateLimiter.builder().time(time).keyedTokenBucket(Rate.perSecond(1), 2, 10);

    @Operation
    public boolean tryOne(@Param(name = "key") int key) {
      return limiter.tryAcquire(key);
    }

    @Operation(nonParallelGroup = "serial")
    public boolean wait1(@Param(name = "key") int key) {
      return limiter.acquireAsync(key).isDone();
    }

    @Operation(nonParallelGroup = "serial")
    public void faster() {
      limiter.setRate(Rate.perSecond(2));
    }

    @Operation(nonParallelGroup = "serial")
    public void timeGoes() {
      time.advanceNanos(1_000_000_000L);
    }
  }

  @Param(name = "thread", gen = ThreadIdGen.class)
  public static class Concurrency {
    private final VirtualTime time = new VirtualTime();
    private final ConcurrencyLimiter limiter =
        ConcurrencyLimiter.builder().time(time).executor(Runnable::run).build(2);
    private final ConcurrencyLimiter.@Nullable Token[] tokens =
        new ConcurrencyLimiter.@Nullable Token[8];

    /** Takes a token, or gives back the one in hand. */
    @Operation
    public String work(@Param(name = "thread") int thread) {
      ConcurrencyLimiter.Token token = tokens[thread];
      if (token != null) {
        tokens[thread] = null;
        token.succeeded();
        return "given back";
      }
      tokens[thread] = limiter.tryAcquire().orElse(null);
      return tokens[thread] == null ? "refused" : "taken";
    }

    @Operation(nonParallelGroup = "serial")
    public void narrow() {
      limiter.setLimit(1);
    }

    @Operation(nonParallelGroup = "serial")
    public void widen() {
      limiter.setLimit(3);
    }

    @Operation
    public int inFlight() {
      return limiter.inFlight();
    }
  }
}
