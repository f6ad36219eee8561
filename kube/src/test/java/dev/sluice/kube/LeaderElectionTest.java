package dev.sluice.kube;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.flow.VirtualTime;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

class LeaderElectionTest {
  private final FakeLeases server = new FakeLeases();
  private final VirtualTime time = new VirtualTime();
  private final ConcurrentLinkedQueue<String> seen = new ConcurrentLinkedQueue<>();
  private final AtomicReference<LeaderElection.Leadership> leadership = new AtomicReference<>();

  private LeaderElection.Builder candidate(String name) {
    return LeaderElection.over(server)
        .lease("ns", "lease")
        .identity(name)
        .time(time)
        .whileLeading(led -> {
          leadership.set(led);
          seen.add(name + " begins");
          return () -> seen.add(name + " ends");
        });
  }

  /** Lets time pass until something holds; at most an hour of it. */
  private void untilInTime(Runnable assertion) {
    Await.until(() -> {
      time.advance(Duration.ofMillis(200));
      assertion.run();
    });
  }

  @Test
  void beginsWhenElectedAndEndsBeforeItGivesTheLeaseBack() {
    try (LeaderElection election =
        LeaderElection.over(server)
            .lease("ns", "lease")
            .identity("a")
            .time(time)
            .whileLeading(led -> {
              seen.add("begins");
              return () -> seen.add("ends while " + server.holder() + " holds");
            })
            .start()) {
      Await.until(() -> assertThat(seen).containsExactly("begins"));
      assertThat(election.status().holder()).isEqualTo("a");
      assertThat(election.status().validFor()).isBetween(Duration.ZERO, Duration.ofSeconds(10));
    }
    assertThat(seen).containsExactly("begins", "ends while a holds");
    assertThat(server.holder()).isEmpty();
  }

  @Test
  void endsAndLetsNothingLeaveWhenItCannotRenew() throws Exception {
    try (LeaderElection election = candidate("a").start()) {
      Await.until(() -> assertThat(seen).containsExactly("a begins"));
      Transport guarded = leadership.get().guard(server);
      guarded.send(new Transport.Request("PUT", "/x", Map.of(), new byte[0])).close();
      server.away(true);
      untilInTime(() -> assertThat(seen).containsExactly("a begins", "a ends"));
      assertThat(election.isLeader()).isFalse();
      assertThat(election.status().lastFailure()).contains("no route to the server");
      assertThatThrownBy(
              () -> guarded.send(new Transport.Request("PUT", "/y", Map.of(), new byte[0])))
          .isInstanceOf(LeaderElection.NotLeaderException.class)
          .hasMessage("not sent: a is no longer the leader by ns/lease (its term 0 is over)");
      guarded.send(Transport.Request.get("/z", "application/json")).close();
      assertThat(server.others).containsExactly("PUT /x", "GET /z");

      server.away(false);
      untilInTime(() -> assertThat(seen).startsWith("a begins", "a ends", "a begins"));
      assertThat(leadership.get().term()).isPositive();
      assertThatThrownBy(
              () -> guarded.send(new Transport.Request("PUT", "/y", Map.of(), new byte[0])))
          .as("what belonged to an earlier leadership stays out")
          .isInstanceOf(LeaderElection.NotLeaderException.class);
    }
  }

  @Test
  void asksTheGuardWhenTheRequestLeavesAndNotOnlyBefore() {
    CountDownLatch never = new CountDownLatch(1);
    Transport slow =
        new Transport() {
          @Override
          public Response send(Request request) throws java.io.IOException, InterruptedException {
            if (request.path().equals("/x")) {
              // Ten minutes pass while it waits for a connection.
              server.away(true);
              time.advance(Duration.ofMinutes(10));
            }
            return server.send(request);
          }

          @Override
          public void close() {
            never.countDown();
          }
        };
    try (LeaderElection election = candidate("a").start()) {
      Await.until(() -> assertThat(seen).containsExactly("a begins"));
      assertThatThrownBy(() ->
              leadership
                  .get()
                  .guard(slow)
                  .send(new Transport.Request("POST", "/x", Map.of(), new byte[0])))
          .isInstanceOf(LeaderElection.NotLeaderException.class);
      assertThat(server.others).isEmpty();
      assertThat(election.isLeader()).isFalse();
    }
  }

  @Test
  void isFollowedByAnotherWhenItGivesTheLeaseBackAndWhenItIsGone() {
    LeaderElection a = candidate("a").start();
    Await.until(() -> assertThat(seen).containsExactly("a begins"));
    try (LeaderElection b = candidate("b").start()) {
      Await.until(() -> assertThat(b.status().holder()).isEqualTo("a"));
      assertThat(b.isLeader()).isFalse();
      a.close();
      assertThat(seen).containsExactly("a begins", "a ends");
      untilInTime(() -> assertThat(seen).startsWith("a begins", "a ends", "b begins"));
      assertThat(leadership.get().term()).isPositive();
    }
  }

  @Test
  void givesTheLeaseBackWhenWhatItLeadsCannotBegin() {
    AtomicInteger attempts = new AtomicInteger();
    try (LeaderElection election =
        LeaderElection.over(server)
            .lease("ns", "lease")
            .identity("a")
            .time(time)
            .whileLeading(led -> {
              if (attempts.incrementAndGet() == 1) {
                throw new IllegalStateException("no disk");
              }
              return () -> {};
            })
            .start()) {
      untilInTime(() -> assertThat(attempts).hasValueGreaterThan(1));
      untilInTime(() -> assertThat(election.isLeader()).isTrue());
      assertThat(election.status().term()).isPositive();
    }
  }

  @Test
  void refusesDurationsThatAreNotSafe() {
    assertThatThrownBy(() ->
            LeaderElection.over(server)
                .durations(Duration.ofSeconds(10), Duration.ofSeconds(10), Duration.ofSeconds(2)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("at most four fifths");
    assertThatThrownBy(() -> LeaderElection.over(server).lease("ns", "x").start())
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("whileLeading");
  }
}
