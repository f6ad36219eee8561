package dev.sluice.flow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.within;

import dev.sluice.modeltest.Gen;
import dev.sluice.modeltest.ModelTest;
import dev.sluice.modeltest.Seed;
import dev.sluice.modeltest.Step;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("R2.1")
class BudgetTest {
  private final VirtualTime time = new VirtualTime(Long.MAX_VALUE - 3_000_000_000L);
  private final Map<RateLimiter, Integer> granted = new HashMap<>();

  private Budget root(double perSecond, long burst) {
    return RateLimiter.builder()
        .time(time)
        .name("root")
        .startEmpty()
        .budget(Rate.perSecond(perSecond), burst);
  }

  /** Demands without end: whenever it is served, it asks again. */
  private void busy(RateLimiter limiter) {
    limiter
        .acquireAsync()
        .thenRun(() -> {
          granted.merge(limiter, 1, Integer::sum);
          busy(limiter);
        });
  }

  private int granted(RateLimiter limiter) {
    return granted.getOrDefault(limiter, 0);
  }

  @Test
  void anOnlyChildMayHaveItAll() {
    Budget root = root(100, 1);
    Budget child = root.child("a", 0.1, 1);
    root.child("idle", 0.9, 1);
    busy(child);
    time.advance(Duration.ofSeconds(10));
    // The idle one fills its own bucket first: one permit.
    assertThat(granted(child)).isBetween(998, 1000);
  }

  @Test
  void eachGetsItsShareWhenAllAreBusy() {
    Budget root = root(100, 5);
    List<Budget> children =
        List.of(
            root.child("writes", 0.4, 1),
            root.child("status", 0.2, 1),
            root.child("reads", 0.3, 1),
            root.child("lists", 0.1, 1));
    children.forEach(this::busy);
    time.advance(Duration.ofSeconds(100));
    assertThat(granted(children.get(0))).isCloseTo(4000, within(1));
    assertThat(granted(children.get(1))).isCloseTo(2000, within(1));
    assertThat(granted(children.get(2))).isCloseTo(3000, within(1));
    assertThat(granted(children.get(3))).isCloseTo(1000, within(1));
  }

  @Test
  void whatIsLeftOverIsSharedInProportion() {
    Budget root = root(100, 5);
    Budget four = root.child("four", 0.4, 1);
    Budget two = root.child("two", 0.2, 1);
    root.child("idle", 0.4, 1);
    busy(four);
    busy(two);
    time.advance(Duration.ofSeconds(60));
    assertThat(granted(four)).isCloseTo(4000, within(5));
    assertThat(granted(two)).isCloseTo(2000, within(5));
  }

  @Test
  void theGuaranteeNeedsNotWaitForOthersToGiveBack() throws Exception {
    Budget root = root(10, 1);
    Budget greedy = root.child("greedy", 0.5, 1);
    Budget modest = root.child("modest", 0.5, 3);
    busy(greedy);
    time.advance(Duration.ofSeconds(100));
    assertThat(granted(greedy)).isBetween(995, 998);
    assertThat(modest.tryAcquire(3)).as("its bucket is full").isTrue();
    CompletableFuture<?> next = modest.acquireAsync();
    time.advance(Duration.ofMillis(200));
    assertThat(next).as("and filled with its share").isCompleted();
  }

  @Test
  void grandchildrenBorrowFromTheirSiblingsFirst() {
    Budget root = root(100, 1);
    Budget left = root.child("left", 0.5, 1);
    Budget right = root.child("right", 0.5, 1);
    Budget leftBusy = left.child("left busy", 0.5, 1);
    left.child("left idle", 0.5, 1);
    Budget rightOne = right.child("right one", 0.5, 1);
    Budget rightTwo = right.child("right two", 0.5, 1);
    List.of(leftBusy, rightOne, rightTwo).forEach(this::busy);
    time.advance(Duration.ofSeconds(100));
    assertThat(granted(leftBusy)).as("all of the left half").isCloseTo(5000, within(3));
    assertThat(granted(rightOne)).isCloseTo(2500, within(3));
    assertThat(granted(rightTwo)).isCloseTo(2500, within(3));
  }

  @Test
  void whatAWholeBranchDoesNotUseGoesToTheOthers() {
    Budget root = root(100, 1);
    Budget left = root.child("left", 0.5, 1);
    left.child("left idle", 1, 1);
    Budget right = root.child("right", 0.5, 1).child("right busy", 1, 1);
    busy(right);
    time.advance(Duration.ofSeconds(100));
    assertThat(granted(right)).isBetween(9995, 10_000);
  }

  @Test
  void aChildWithoutAShareLivesOnWhatIsLeft() {
    Budget root = root(100, 1);
    Budget all = root.child("all", 1, 1);
    Budget none = root.child("none", 0, 1);
    busy(all);
    CompletableFuture<?> waiter = none.acquireAsync();
    time.advance(Duration.ofSeconds(10));
    assertThat(waiter).isNotDone();
    busy(none);
    waiter.cancel(false);
    assertThat(granted(all)).isEqualTo(1000);
  }

  @Test
  void aRootWithoutChildrenIsATokenBucket() {
    Budget root = root(10, 3);
    assertThat(root.tryAcquire()).isFalse();
    time.advance(Duration.ofSeconds(1));
    assertThat(root.tryAcquire(3)).isTrue();
    CompletableFuture<?> waiter = root.acquireAsync(2);
    time.advance(Duration.ofMillis(199));
    assertThat(waiter).isNotDone();
    time.advance(Duration.ofMillis(1));
    assertThat(waiter).isCompleted();
  }

  @Test
  void tryDoesNotTakeWhatAnotherChildWaitsFor() {
    Budget root = root(10, 4);
    Budget waiting = root.child("waiting", 0, 4);
    Budget quick = root.child("quick", 0, 4);
    time.advance(Duration.ofMillis(300));
    CompletableFuture<?> waiter = waiting.acquireAsync(4);
    assertThat(quick.tryAcquire()).isFalse();
    time.advance(Duration.ofMillis(100));
    assertThat(waiter).isCompleted();
  }

  @Test
  void turnsAwayAtTheDeadlineWhoHopedInVain() throws Exception {
    Budget root = root(10, 1);
    Budget all = root.child("all", 1, 1);
    Budget none = root.child("none", 0, 1);
    busy(all);
    var outcome = new CompletableFuture<Boolean>();
    Thread waiter =
        Thread.ofVirtual()
            .start(() -> {
              try {
                outcome.complete(none.acquire(1, Duration.ofSeconds(1)));
              } catch (InterruptedException e) {
                outcome.completeExceptionally(e);
              }
            });
    while (none.waiting() == 0) {
      Thread.onSpinWait();
    }
    time.advance(Duration.ofMillis(999));
    assertThat(none.waiting()).isEqualTo(1);
    time.advance(Duration.ofMillis(1));
    waiter.join();
    assertThat(outcome).isCompletedWithValue(false);
    assertThat(none.waiting()).isZero();
  }

  @Test
  void refusesAtOnceWhatEvenTheWholeRateCouldNotGive() throws Exception {
    Budget child = root(10, 1).child("a", 0.1, 5);
    assertThat(child.acquire(5, Duration.ofMillis(499))).isFalse();
  }

  @Test
  void promisesAReservationByTheGuaranteeAlone() {
    Budget root = root(10, 1);
    Budget child = root.child("a", 0.5, 2);
    time.advance(Duration.ofSeconds(1));
    assertThat(child.reserve(2).delay()).isZero();
    assertThat(child.reserve(1).delay()).as("from what is left over").isZero();
    RateLimiter.Reservation second = child.reserve(1);
    assertThat(second.delay()).isEqualTo(Duration.ofMillis(200));
    second.cancel();
    assertThat(child.reserve(1).delay()).isEqualTo(Duration.ofMillis(200));
    assertThatExceptionOfType(RejectedExecutionException.class)
        .isThrownBy(() -> root.child("none", 0, 1).reserve())
        .withMessageContaining("18 years");
  }

  @Test
  void theRateOfTheWholeAndTheSharesMayChange() {
    Budget root = root(10, 1);
    Budget one = root.child("one", 0.8, 1);
    Budget two = root.child("two", 0.2, 1);
    busy(one);
    busy(two);
    root.setRate(Rate.perSecond(100));
    one.setShare(0.2);
    two.setShare(0.8);
    assertThat(two.guaranteedPerSecond()).isEqualTo(80, within(1e-9));
    time.advance(Duration.ofSeconds(10));
    assertThat(granted(one)).isCloseTo(200, within(2));
    assertThat(granted(two)).isCloseTo(800, within(2));
  }

  @Test
  void aRemovedChildsShareIsItsParentsAgain() {
    Budget root = root(10, 1);
    Budget one = root.child("one", 0.5, 1);
    Budget two = root.child("two", 0.5, 5);
    two.remove();
    assertThatIllegalStateException()
        .isThrownBy(two::tryAcquire)
        .withMessageContaining("'two' was removed");
    assertThatIllegalStateException().isThrownBy(two::remove);
    busy(one);
    time.advance(Duration.ofSeconds(10));
    assertThat(granted(one)).isEqualTo(100);
    root.child("three", 0.5, 1);
  }

  @Test
  void mayBePartOfAComposite() {
    Budget root = root(100, 1);
    Budget child = root.child("a", 0.5, 1);
    RateLimiter capped =
        RateLimiter.allOf(
            child, RateLimiter.builder().time(time).tokenBucket(Rate.perSecond(20), 1));
    busy(capped);
    time.advance(Duration.ofSeconds(10));
    assertThat(granted(capped)).isBetween(199, 201);
  }

  @Test
  void refusesWhatMakesNoSense() {
    Budget root = root(10, 1);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> root.child("a", -0.1, 1))
        .withMessageContaining("-0.1");
    assertThatIllegalArgumentException().isThrownBy(() -> root.child("a", Double.NaN, 1));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> root.child("a", 0.5, 0))
        .withMessageContaining("burst");
    Budget child = root.child("a", 0.7, 1);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> root.child("b", 0.4, 1))
        .withMessageContaining("0.7")
        .withMessageContaining("0.4");
    assertThatIllegalArgumentException().isThrownBy(() -> child.setShare(1.1));
    assertThatIllegalStateException()
        .isThrownBy(root::tryAcquire)
        .withMessageContaining("acquire from one of those");
    assertThatIllegalStateException().isThrownBy(root::reserve);
    assertThatIllegalStateException().isThrownBy(root::remove).withMessageContaining("root");
    assertThatIllegalStateException().isThrownBy(() -> root.setShare(0.5));
    assertThatExceptionOfType(UnsupportedOperationException.class)
        .isThrownBy(() -> child.setRate(Rate.perSecond(1)))
        .withMessageContaining("setShare");
    assertThatIllegalArgumentException().isThrownBy(() -> root(0, 1));
    CompletableFuture<?> waiter = child.acquireAsync();
    assertThatIllegalStateException()
        .isThrownBy(() -> child.child("c", 1, 1))
        .withMessageContaining("waits");
    assertThatIllegalStateException().isThrownBy(child::remove).withMessageContaining("waiters");
    waiter.cancel(false);
  }

  // ---- what must hold for any tree and any demand

  private static final class World {
    final VirtualTime time;
    final Budget root;
    final List<Budget> leaves = new ArrayList<>();
    final List<long[]> uses = new ArrayList<>(); // leaf, instant, permits
    final List<CompletableFuture<?>> turns = new ArrayList<>();
    final double rate;
    double bursts;

    World(Seed seed) {
      Gen gen = seed.random();
      time = new VirtualTime();
      rate = gen.oneOf(1.0, 10.0, 1000.0);
      root = RateLimiter.builder().time(time).budget(Rate.perSecond(rate), burst(gen));
      grow(gen, root, 2);
    }

    private long burst(Gen gen) {
      int burst = gen.between(1, 5);
      bursts += burst;
      return burst;
    }

    private void grow(Gen gen, Budget budget, int depth) {
      int children = gen.between(1, 3);
      double left = 1;
      for (int i = 0; i < children; i++) {
        double share = gen.chance(0.2) ? 0 : gen.nextDouble(0, left);
        left -= share;
        Budget child = budget.child("child", share, burst(gen));
        if (depth > 1 && gen.chance(0.4)) {
          grow(gen, child, depth - 1);
        } else {
          leaves.add(child);
        }
      }
    }

    void take(int which, int wanted) {
      int leaf = which % leaves.size();
      int permits = (int) Math.min(wanted, leaves.get(leaf).burst());
      if (leaves.get(leaf).tryAcquire(permits)) {
        uses.add(new long[] {leaf, time.elapsed().toNanos(), permits});
      }
    }

    void join(int which, int wanted) {
      int leaf = which % leaves.size();
      int permits = (int) Math.min(wanted, leaves.get(leaf).burst());
      CompletableFuture<?> turn = leaves.get(leaf).acquireAsync(permits);
      turns.add(turn);
      turn.thenRun(() -> uses.add(new long[] {leaf, time.elapsed().toNanos(), permits}));
    }

    void withinTheBound() {
      for (int from = 0; from < uses.size(); from++) {
        double sum = 0;
        for (int to = from; to < uses.size(); to++) {
          sum += uses.get(to)[2];
          double window = (uses.get(to)[1] - uses.get(from)[1]) / 1e9;
          assertThat(sum).isLessThanOrEqualTo(rate * window + bursts + 1e-6);
        }
      }
    }

    /** From now on all want all: nothing is lost, and nobody gets less than guaranteed. */
    void nothingIsLostUnderFullDemand() {
      double permits = 200;
      Map<Integer, Double> before = new HashMap<>();
      List<Integer> demanding = new ArrayList<>();
      for (int leaf = 0; leaf < leaves.size(); leaf++) {
        demanding.add(leaf);
        for (int i = 0; i < 400; i++) {
          join(leaf, 1);
        }
      }
      uses.forEach(use -> before.merge((int) use[0], (double) use[2], Double::sum));
      double total = uses.stream().mapToDouble(use -> use[2]).sum();
      time.advanceNanos((long) (permits / rate * 1e9));
      Map<Integer, Double> after = new HashMap<>();
      uses.forEach(use -> after.merge((int) use[0], (double) use[2], Double::sum));
      assertThat(uses.stream().mapToDouble(use -> use[2]).sum() - total)
          .as("of %s", permits)
          .isGreaterThanOrEqualTo(permits - 2 * leaves.size());
      for (int leaf : demanding) {
        double got = after.getOrDefault(leaf, 0.0) - before.getOrDefault(leaf, 0.0);
        double guaranteed = leaves.get(leaf).guaranteedPerSecond() / rate * permits;
        assertThat(got).as("leaf %s", leaf).isGreaterThanOrEqualTo(guaranteed - 6);
      }
    }
  }

  @Test
  void holdsItsBoundItsGuaranteesAndLosesNothing() {
    ModelTest.of("budget", World::new)
        .step(
            4,
            gen -> {
              double gaps = gen.nextDouble(0, 5);
              return Step.of(
                  "advance by " + gaps,
                  world -> world.time.advanceNanos((long) (gaps / world.rate * 1e9)));
            })
        .step(
            4,
            gen -> {
              int leaf = gen.between(0, 10);
              int permits = gen.between(1, 4);
              return Step.of("try " + permits + " of " + leaf, world -> world.take(leaf, permits));
            })
        .step(
            4,
            gen -> {
              int leaf = gen.between(0, 10);
              int permits = gen.between(1, 4);
              return Step.of("wait " + permits + " of " + leaf, world -> world.join(leaf, permits));
            })
        .step(
            2,
            gen -> {
              int which = gen.between(0, 50);
              return Step.of(
                  "waiter " + which + " leaves",
                  world -> {
                    if (!world.turns.isEmpty()) {
                      world.turns.get(which % world.turns.size()).cancel(false);
                    }
                  });
            })
        .atEnd(World::withinTheBound)
        .atEnd(World::nothingIsLostUnderFullDemand)
        .histories(200)
        .check();
  }
}
