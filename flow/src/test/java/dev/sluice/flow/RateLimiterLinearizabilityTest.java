package dev.sluice.flow;

import static org.jetbrains.lincheck.datastructures.ManagedStrategyGuaranteeKt.forClasses;

import dev.sluice.flow.RateLimiter.Reservation;
import java.util.ArrayDeque;
import java.util.Queue;
import org.jetbrains.lincheck.datastructures.ModelCheckingOptions;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.StressOptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Every interleaving of a few operations gives results that some order of them would give, too. The
 * specification is the limiter itself, used by one thread; the model tests say what that must do.
 */
class RateLimiterLinearizabilityTest {

  @Test
  void everyInterleavingIsLinearizable() {
    modelChecking().iterations(4).threads(2).invocationsPerIteration(100).check(Scenario.class);
  }

  @Test
  @Tag("long")
  void everyInterleavingOfLongerHistoriesIsLinearizable() {
    modelChecking().iterations(200).threads(3).invocationsPerIteration(5000).check(Scenario.class);
  }

  @Test
  @Tag("long")
  void underStressItIsLinearizable() {
    new StressOptions()
        .iterations(100)
        .threads(3)
        .actorsPerThread(4)
        .invocationsPerIteration(10_000)
        .check(Scenario.class);
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
}
