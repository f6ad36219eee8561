package dev.sluice.bench;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.bench.Plots.Line;
import dev.sluice.bench.Plots.Plot;
import org.junit.jupiter.api.Test;

/**
 * The runs behind the plots show what the guides say of them; drawing needs fonts and is not
 * tested.
 */
class PlotsTest {

  @Test
  void eachLimiterDoesWithABurstWhatTheGuideSays() {
    Plot lines = Plots.bursts();

    Line bucket = lines.line("token bucket, burst 20");
    assertThat(at(bucket, 1)).as("the burst at once").isEqualTo(20);
    assertThat(at(bucket, 2)).as("then at the rate").isEqualTo(30);
    assertThat(bucket.last()).isEqualTo(80);
    Line shaper = lines.line("leaky bucket: shaper");
    assertThat(at(shaper, 1)).isEqualTo(1);
    assertThat(at(shaper, 2)).isEqualTo(11);
    Line policer = lines.line("policer, depth 20");
    assertThat(policer.last()).as("what overflows is gone").isEqualTo(40);
    Line warming = lines.line("warm-up of 4 s");
    assertThat(at(warming, 2)).as("a third of the rate").isBetween(3.0, 6.0);
  }

  private static double at(Line line, double second) {
    double last = 0;
    for (int i = 0; i < line.x().size() && line.x().get(i) <= second + 1e-6; i++) {
      last = line.y().get(i);
    }
    return last;
  }

  @Test
  void adaptiveLimitsFollowTheCapacityAndAFixedOneMakesAQueue() {
    var plots = Plots.capacitySteps();
    Plot limits = plots.get(0);
    Plot queues = plots.get(1);

    assertThat(at(limits.line("gradient"), 55)).isBetween(150.0, 260.0);
    assertThat(at(limits.line("gradient"), 89)).isBetween(400.0, 650.0);
    assertThat(at(queues.line("none: fixed at 450/s"), 55)).isGreaterThan(900);
    assertThat(at(queues.line("gradient"), 55)).isLessThan(100);
  }

  @Test
  void gatesKeepWithinTheirBoundsAndLoseNothing() {
    var plots = Plots.slowConsumer();
    Plot pending = plots.get(0);
    Plot unread = plots.get(1);

    assertThat(pending.line("COALESCE").most()).as("as many as there are objects").isEqualTo(50);
    assertThat(pending.line("BLOCK").most()).isEqualTo(128);
    assertThat(pending.line("PAUSE").most()).isEqualTo(128);
    assertThat(unread.line("COALESCE").most()).isLessThan(2);
    assertThat(unread.line("PAUSE").most()).isGreaterThan(250);
    for (Plot plot : plots) {
      assertThat(plot.lines().values()).allMatch(line -> line.last() < 30);
    }
  }
}
