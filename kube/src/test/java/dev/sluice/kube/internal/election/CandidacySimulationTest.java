package dev.sluice.kube.internal.election;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.flow.VirtualTime;
import dev.sluice.kube.internal.election.Candidacy.Move;
import dev.sluice.kube.internal.json.JsonTree;
import dev.sluice.kube.internal.json.MalformedJsonException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Three candidates whose clocks show different dates and run at different speeds, processes that
 * are stopped and wake later, requests and answers that are slow or never come: at most one may
 * act, at any time.
 */
class CandidacySimulationTest {
  private static final Candidacy.Settings SETTINGS =
      new Candidacy.Settings(
          "",
          Duration.ofSeconds(15),
          Duration.ofSeconds(10),
          Duration.ofSeconds(2),
          Duration.ofSeconds(1));

  private final VirtualTime time = new VirtualTime();
  private final List<Candidate> candidates = new ArrayList<>();
  private @Nullable Map<String, @Nullable Object> lease;
  private int version = 10;
  private int uids;
  private boolean trouble;
  private SplittableRandom random = new SplittableRandom();
  private long lastTerm = -1;
  private boolean deleted;
  private int terms;
  private @Nullable Candidate lastLeader;

  /** Millions of nanoseconds are enough of a resolution, and let numbers stay whole. */
  private static long millis(long millis) {
    return Duration.ofMillis(millis).toNanos();
  }

  private final class Candidate {
    final String name;
    final double speed;
    final long offset;
    final Candidacy candidacy;
    long stoppedUntil;
    int asked;
    boolean awaiting;

    Candidate(String name, double speed, long offset) {
      this.name = name;
      this.speed = speed;
      this.offset = offset;
      this.candidacy =
          new Candidacy(
              "ns",
              "lease",
              new Candidacy.Settings(
                  name,
                  SETTINGS.leaseDuration(),
                  SETTINGS.renewDeadline(),
                  SETTINGS.retryPeriod(),
                  SETTINGS.pollPeriod()),
              random.split());
    }

    /** What its clock shows. */
    long now() {
      return offset + (long) (time.nanoTime() * speed);
    }

    /** Runs when the process does. */
    void later(long nanos, Runnable task) {
      time.schedule(
          nanos,
          () -> {
            if (time.nanoTime() < stoppedUntil) {
              later(stoppedUntil - time.nanoTime(), task);
            } else {
              task.run();
            }
            check();
          });
    }

    void tick() {
      if (awaiting) {
        return;
      }
      switch (candidacy.next(now(), Instant.ofEpochSecond(random.nextLong(4_000_000_000L)))) {
        case Move.Wait wait -> later(Math.max(1, (long) (wait.nanos() / speed)), this::tick);
        case Move.Read read -> ask(null, false);
        case Move.Write write -> ask(write.body(), write.create());
      }
    }

    private void ask(byte @Nullable [] body, boolean create) {
      awaiting = true;
      int number = ++asked;
      long sent = now();
      // The process may be stopped between its decision and the bytes.
      later(
          trouble && random.nextInt(30) == 0 ? millis(random.nextLong(20_000)) : 0,
          () -> {
            if (!lost()) {
              time.schedule(
                  delay(),
                  () -> {
                    Answer answer = serve(body, create);
                    if (!lost()) {
                      later(delay(), () -> answered(number, sent, body != null, answer));
                    }
                  });
            }
          });
      later((long) (millis(5000) / speed), () -> answered(number, sent, body != null, null));
    }

    private void answered(int number, long sent, boolean write, @Nullable Answer answer) {
      if (number != asked || !awaiting) {
        return;
      }
      awaiting = false;
      try {
        if (answer == null) {
          candidacy.failed(now());
        } else if (answer.conflict) {
          candidacy.refused(now());
        } else if (write && answer.lease != null) {
          candidacy.written(sent, now(), answer.lease);
        } else {
          candidacy.read(now(), answer.lease);
        }
      } catch (MalformedJsonException e) {
        throw new AssertionError(e);
      }
      check();
      tick();
    }

    void stop(long nanos) {
      stoppedUntil = Math.max(stoppedUntil, time.nanoTime() + nanos);
    }
  }

  private record Answer(boolean conflict, byte @Nullable [] lease) {}

  private boolean lost() {
    return trouble && random.nextInt(8) == 0;
  }

  private long delay() {
    return trouble && random.nextInt(10) == 0
        ? millis(random.nextLong(12_000))
        : millis(1 + random.nextLong(50));
  }

  private Answer serve(byte @Nullable [] body, boolean create) {
    try {
      if (body != null) {
        Map<String, @Nullable Object> wanted = JsonTree.object(body);
        Map<String, @Nullable Object> metadata = JsonTree.child(wanted, "metadata");
        if (create != (lease == null)
            || lease != null
                && !JsonTree.text(metadata, "resourceVersion")
                    .equals(JsonTree.text(JsonTree.child(lease, "metadata"), "resourceVersion"))) {
          return new Answer(true, null);
        }
        metadata = new LinkedHashMap<>(metadata);
        metadata.put("resourceVersion", Integer.toString(++version));
        metadata.putIfAbsent("uid", "u" + ++uids);
        wanted.put("metadata", metadata);
        lease = wanted;
      }
      return new Answer(false, lease == null ? null : JsonTree.write(lease));
    } catch (MalformedJsonException e) {
      throw new AssertionError(e);
    }
  }

  private void check() {
    Candidate leader = null;
    for (Candidate candidate : candidates) {
      if (candidate.candidacy.mayAct(candidate.now())) {
        assertThat(leader).as("may act beside %s", candidate.name).isNull();
        leader = candidate;
      }
    }
    if (leader != null && (leader != lastLeader || leader.candidacy.term() != lastTerm)) {
      if (!deleted) {
        assertThat(leader.candidacy.term())
            .as("the term of a new leadership")
            .isGreaterThan(lastTerm);
      }
      lastLeader = leader;
      lastTerm = leader.candidacy.term();
      terms++;
    }
  }

  private void advance(Duration duration) {
    for (long left = duration.toMillis(); left > 0; left -= 100) {
      time.advance(Duration.ofMillis(100));
      check();
    }
  }

  private void start(long seed, int count) {
    random = new SplittableRandom(seed);
    for (int i = 0; i < count; i++) {
      Candidate candidate =
          new Candidate(
              "c" + i, 0.88 + random.nextInt(25) / 100.0, random.nextLong(Long.MAX_VALUE / 4));
      candidates.add(candidate);
      candidate.tick();
    }
  }

  private List<Candidate> leaders() {
    return candidates.stream().filter(one -> one.candidacy.mayAct(one.now())).toList();
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
  void letsAtMostOneActWhateverHappensAndSomebodyWhenNothingDoes(long first) {
    for (long seed = first * 1000; seed < first * 1000 + 5; seed++) {
      candidates.clear();
      lease = null;
      lastTerm = -1;
      lastLeader = null;
      deleted = false;
      start(seed, 3);
      trouble = true;
      try {
        for (int round = 0; round < 30; round++) {
          if (random.nextInt(3) == 0) {
            candidates.get(random.nextInt(3)).stop(millis(random.nextLong(40_000)));
          }
          if (random.nextInt(40) == 0
              && candidates.stream().noneMatch(one -> one.candidacy.holder().isEmpty())) {
            lease = null; // somebody deleted it
            deleted = true; // which starts the terms anew
          }
          advance(Duration.ofSeconds(5));
        }
        trouble = false;
        advance(Duration.ofSeconds(90));
        assertThat(leaders()).as("somebody leads when all is well").hasSize(1);
      } catch (AssertionError e) {
        throw new AssertionError("seed " + seed + ": " + e.getMessage(), e);
      }
    }
    assertThat(terms).as("leaderships in all histories").isGreaterThan(10);
  }

  @Test
  void wakesBeyondItsLeaseAndMayNotAct() {
    start(1, 2);
    advance(Duration.ofSeconds(5));
    Candidate leader = leaders().get(0);
    leader.stop(millis(60_000));
    advance(Duration.ofSeconds(59));
    Candidate other = leaders().get(0);
    assertThat(other).isNotSameAs(leader);
    advance(Duration.ofMillis(1000));
    assertThat(leader.candidacy.mayAct(leader.now())).isFalse();
    advance(Duration.ofSeconds(30));
    assertThat(leaders()).containsExactly(other);
  }

  @Test
  void isFollowedWithinTwoSecondsWhenItGivesTheLeaseBack() {
    start(2, 2);
    advance(Duration.ofSeconds(5));
    Candidate leader = leaders().get(0);
    Move.Write back = Objects.requireNonNull(leader.candidacy.release(leader.now(), Instant.EPOCH));
    assertThat(leader.candidacy.mayAct(leader.now())).isFalse();
    assertThat(serve(back.body(), false).conflict).isFalse();
    advance(Duration.ofSeconds(2));
    assertThat(leaders()).hasSize(1).doesNotContain(leader);
  }

  @Test
  void keepsWhatOthersWroteOnTheLease() throws Exception {
    Candidacy candidacy = new Candidacy("ns", "lease", SETTINGS, random);
    assertThat(candidacy.next(0, Instant.EPOCH)).isInstanceOf(Move.Read.class);
    candidacy.read(
        0,
        "{\"metadata\":{\"name\":\"lease\",\"resourceVersion\":\"7\",\"labels\":{\"a\":\"b\"}},\"spec\":{\"holderIdentity\":\"\",\"strategy\":\"x\"}}"
            .getBytes(java.nio.charset.StandardCharsets.UTF_8));
    assertThat(candidacy.next(0, Instant.EPOCH))
        .isInstanceOfSatisfying(
            Move.Write.class,
            write ->
                assertThat(new String(write.body(), java.nio.charset.StandardCharsets.UTF_8))
                    .contains("\"labels\":{\"a\":\"b\"}")
                    .contains("\"strategy\":\"x\"")
                    .contains("\"resourceVersion\":\"7\"")
                    .contains("\"renewTime\":\"1970-01-01T00:00:00.000000Z\""));
  }
}
