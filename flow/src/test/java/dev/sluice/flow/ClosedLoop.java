package dev.sluice.flow;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/**
 * Several clients with adaptive limits on one server, in virtual time.
 *
 * <p>The server has some workers, each of which serves one request after the other in a time that
 * is spread evenly by half around its mean, and a queue before them; beyond {@code maxWait} of
 * queueing it refuses. To it and back a request travels for {@code delay}. Clients always want more
 * than they get. The unit of the recording is a tenth of a second.
 */
final class ClosedLoop {
  final VirtualTime time = new VirtualTime();
  final List<Client> clients = new ArrayList<>();

  private final SplittableRandom random = new SplittableRandom(42);
  private final long delay;
  private final long maxWait;
  private double capacity;
  private int workers;
  private long[] freeAt = new long[0];

  /** What was served in each tenth of a second. */
  final List<Integer> served = new ArrayList<>();

  /** For how long the last request that came was queued in each tenth of a second, in ms. */
  final List<Double> queued = new ArrayList<>();

  private int servedNow;
  private long lastWait;

  ClosedLoop(int workers, double perSecond, Duration delay, Duration maxWait) {
    this.delay = delay.toNanos();
    this.maxWait = maxWait.toNanos();
    capacity(workers, perSecond);
  }

  void capacity(int newWorkers, double perSecond) {
    workers = newWorkers;
    capacity = perSecond;
    long[] before = freeAt;
    freeAt = new long[newWorkers];
    for (int i = 0; i < newWorkers; i++) {
      freeAt[i] = i < before.length ? before[i] : time.nanoTime();
    }
  }

  /** What the server does with a request: answers or refuses it. */
  interface Answer {
    void at(boolean refused, long wait);
  }

  private void request(Answer answer) {
    time.schedule(delay, () -> arrive(answer));
  }

  private void arrive(Answer answer) {
    int first = 0;
    for (int i = 1; i < workers; i++) {
      first = freeAt[i] < freeAt[first] ? i : first;
    }
    long now = time.nanoTime();
    long wait = Math.max(0, freeAt[first] - now);
    lastWait = wait;
    if (wait > maxWait) {
      time.schedule(delay, () -> answer.at(true, 0));
      return;
    }
    long work = (long) (workers / capacity * 1e9 * random.nextDouble(0.5, 1.5));
    freeAt[first] = now + wait + work;
    time.schedule(
        wait + work,
        () -> {
          servedNow++;
          time.schedule(delay, () -> answer.at(false, wait));
        });
  }

  final class Client {
    final AdaptiveLimit limit;
    final List<Double> limits = new ArrayList<>();
    int answered;

    private Client(AdaptiveLimit limit) {
      this.limit = limit;
    }

    /** The limit, but for the moments in which it looks for its base. */
    private void record() {
      AdaptiveLimit.Move move = limit.lastMove();
      boolean looking = move.cause().equals("baseline-check") && move.to() < move.from();
      limits.add(looking ? move.from() : move.to());
    }
  }

  private AdaptiveLimit.Builder timed(AdaptiveLimit.Builder builder) {
    return builder.time(time).clock(() -> Instant.EPOCH.plusNanos(time.nanoTime()));
  }

  /** A client with so much under way as its limit says, that is not told how long it queued. */
  Client concurrent(AdaptiveLimit.Builder builder) {
    return concurrent(builder, false);
  }

  /** A client with so much under way as its limit says. */
  Client concurrent(AdaptiveLimit.Builder builder, boolean toldTheWait) {
    ConcurrencyLimiter limiter = ConcurrencyLimiter.builder().time(time).adaptive(timed(builder));
    Client client = new Client(limiter.adaptive().orElseThrow());
    clients.add(client);
    sendWhenThereIsRoom(limiter, client, toldTheWait);
    return client;
  }

  private void sendWhenThereIsRoom(ConcurrencyLimiter limiter, Client client, boolean toldTheWait) {
    limiter
        .acquireAsync()
        .thenAccept(token -> {
          request((refused, wait) -> {
            if (refused) {
              token.dropped();
            } else if (toldTheWait) {
              client.answered++;
              token.succeeded(Duration.ofNanos(wait));
            } else {
              client.answered++;
              token.succeeded();
            }
          });
          time.schedule(0, () -> sendWhenThereIsRoom(limiter, client, toldTheWait));
        });
  }

  /** A client that sends as many a second as its limit says. */
  Client rated(AdaptiveLimit.Builder builder, boolean toldTheWait) {
    RateLimiter limiter = RateLimiter.builder().time(time).tokenBucket(Rate.perSecond(1), 1);
    Client client = new Client(timed(builder).drives(limiter));
    clients.add(client);
    sendAtTheRate(limiter, client, toldTheWait);
    return client;
  }

  private void sendAtTheRate(RateLimiter limiter, Client client, boolean toldTheWait) {
    limiter
        .acquireAsync()
        .thenRun(() -> {
          long sent = time.nanoTime();
          request((refused, wait) -> {
            Duration latency = Duration.ofNanos(time.nanoTime() - sent);
            if (refused) {
              client.limit.refused(Duration.ZERO);
            } else if (toldTheWait) {
              client.answered++;
              client.limit.answered(latency, Duration.ofNanos(wait));
            } else {
              client.answered++;
              client.limit.answered(latency);
            }
          });
          time.schedule(0, () -> sendAtTheRate(limiter, client, toldTheWait));
        });
  }

  void run(Duration duration) {
    long tenths = duration.toMillis() / 100;
    for (long i = 0; i < tenths; i++) {
      time.advance(Duration.ofMillis(100));
      served.add(servedNow);
      servedNow = 0;
      queued.add(lastWait / 1e6);
      clients.forEach(Client::record);
    }
  }

  /** What a part of the recording is like. */
  record Stretch(double mean, double least, double most) {
    static Stretch of(List<? extends Number> values, int from, int to) {
      var part =
          values.subList(from, to).stream().mapToDouble(Number::doubleValue).summaryStatistics();
      return new Stretch(part.getAverage(), part.getMin(), part.getMax());
    }

    /** How far it swings around its mean. */
    double band() {
      return Math.max(most - mean, mean - least) / mean;
    }

    @Override
    public String toString() {
      return "%.1f (%.1f to %.1f)".formatted(mean, least, most);
    }
  }

  Stretch servedBetween(int fromSecond, int toSecond) {
    List<Double> perSecond = new ArrayList<>();
    for (int second = fromSecond; second < toSecond; second++) {
      perSecond.add(Stretch.of(served, second * 10, second * 10 + 10).mean * 10);
    }
    return Stretch.of(perSecond, 0, perSecond.size());
  }

  Stretch queuedBetween(int fromSecond, int toSecond) {
    return Stretch.of(queued, fromSecond * 10, toSecond * 10);
  }

  Stretch limitBetween(Client client, int fromSecond, int toSecond) {
    int missing = served.size() - client.limits.size();
    return Stretch.of(client.limits, fromSecond * 10 - missing, toSecond * 10 - missing);
  }

  /** Jain's index of the mean limits: 1 if all are equal. */
  double fairness(int fromSecond, int toSecond) {
    double sum = 0;
    double squares = 0;
    for (Client client : clients) {
      double mean = limitBetween(client, fromSecond, toSecond).mean;
      sum += mean;
      squares += mean * mean;
    }
    return sum * sum / clients.size() / squares;
  }
}
