package dev.sluice.cli.demo;

import dev.sluice.flow.Rate;
import dev.sluice.flow.RateLimiter;
import dev.sluice.kube.ObjectKey;
import dev.sluice.kube.Resource;
import dev.sluice.kube.ResourceKind;
import dev.sluice.kube.Store;
import dev.sluice.kube.Transport;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.IntUnaryOperator;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;

/**
 * The rest of the world: creates, changes and deletes objects directly at the server, past the
 * proxy and past every limit, from several threads.
 *
 * <p>With each change it asks the server to keep no record of who wrote which field
 * (managedFields), which nothing here reads and which would cost the server a third of its time.
 *
 * <p>What the server refuses for the moment (429, 5xx, a connection that breaks) is tried again
 * until it is accepted. Safe for use by any number of threads.
 */
final class Load implements AutoCloseable {
  private static final int THREADS = 16;
  private static final Duration PAUSE = Duration.ofMillis(100);
  private static final int ATTEMPTS = 300;

  private static final String FILLER =
      "as long as the specs of such objects usually are. ".repeat(6);

  private final Transport server;
  private final ResourceKind kind;
  private final String namespace;
  private final AtomicLong level = new AtomicLong();
  private final AtomicLong accepted = new AtomicLong();
  private final List<Job> jobs = new CopyOnWriteArrayList<>();
  private final Map<ObjectKey, Version> newest = new ConcurrentHashMap<>();

  /**
   * @param server the way to the server; stays the caller's
   */
  Load(Transport server, ResourceKind kind, String namespace) {
    this.server = server;
    this.kind = kind;
    this.namespace = namespace;
  }

  /** How many changes the server has accepted. */
  long accepted() {
    return accepted.get();
  }

  /**
   * Whether a store has everything that was done to the objects: each of them at least as new as
   * the server said, and none that was deleted.
   */
  boolean isSeenBy(Store<?> store) {
    return newest.entrySet().stream()
        .allMatch(entry -> entry.getValue().isSeen(store.resource(entry.getKey())));
  }

  /** Of how many objects a store does not have the latest yet. */
  long unseenBy(Store<?> store) {
    return newest.entrySet().stream()
        .filter(entry -> !entry.getValue().isSeen(store.resource(entry.getKey())))
        .count();
  }

  /** The key of one object. */
  ObjectKey key(int number) {
    return ObjectKey.of(namespace, String.format(Locale.ROOT, "gauge-%05d", number));
  }

  /** Creates objects, as fast as the server takes them. */
  Job create(int count, IntUnaryOperator which) {
    return start(count, null, i -> create(which.applyAsInt(i)));
  }

  /** Changes objects, as fast as the server takes it. */
  Job change(int count, IntUnaryOperator which) {
    return start(count, null, i -> change(which.applyAsInt(i)));
  }

  /** Changes objects at an even pace until it is {@linkplain Job#end ended}. */
  Job changeAt(int perSecond, IntUnaryOperator which) {
    return start(
        Integer.MAX_VALUE,
        RateLimiter.tokenBucket(Rate.perSecond(perSecond), 1),
        i -> change(which.applyAsInt(i)));
  }

  /** Changes one object twice a second until it is ended, so that silence means something. */
  Job heartbeat() {
    return changeAt(2, i -> 1);
  }

  /** Deletes objects, as fast as the server takes it. */
  Job delete(int count, IntUnaryOperator which) {
    return start(count, null, i -> delete(which.applyAsInt(i)));
  }

  /** Leaves everything that has not been begun. */
  @Override
  public void close() {
    jobs.forEach(Job::stop);
  }

  private void create(int number) throws IOException, InterruptedException {
    ObjectKey key = key(number);
    send(
        key,
        "POST",
        kind.path(namespace),
        "application/json",
        """
        {"apiVersion":"%s","kind":"%s","metadata":{"name":"%s","labels":{"shard":"%d"}},\
        "spec":{"level":%d,"text":"%s"}}\
        """
            .formatted(
                kind.apiVersion(),
                kind.kind(),
                key.name(),
                number % Settings.SHARDS,
                level.incrementAndGet(),
                FILLER),
        409);
  }

  private void change(int number) throws IOException, InterruptedException {
    ObjectKey key = key(number);
    send(
        key,
        "PATCH",
        kind.path(key),
        "application/merge-patch+json",
        "{\"metadata\":{\"managedFields\":[{}]},\"spec\":{\"level\":"
            + level.incrementAndGet()
            + "}}",
        0);
  }

  private void delete(int number) throws IOException, InterruptedException {
    ObjectKey key = key(number);
    send(key, "DELETE", kind.path(key), "application/json", "", 404);
  }

  /**
   * @param alsoGood a status that a repeated attempt may meet because the first one had succeeded
   */
  private void send(
      ObjectKey key, String method, String path, String contentType, String body, int alsoGood)
      throws IOException, InterruptedException {
    Transport.Request request =
        new Transport.Request(
            method,
            path,
            Map.of("Accept", "application/json", "Content-Type", contentType),
            body.getBytes(StandardCharsets.UTF_8));
    String last = "";
    for (int attempt = 1; attempt <= ATTEMPTS; attempt++) {
      try (Transport.Response response = server.send(request)) {
        byte[] answer = response.body().readAllBytes();
        int status = response.status();
        if (status < 300 || attempt > 1 && status == alsoGood) {
          accepted.incrementAndGet();
          newest.merge(key, Version.of(method, answer), Version::later);
          return;
        }
        last = status + " " + new String(answer, StandardCharsets.UTF_8).strip();
        if (status != 429 && status < 500) {
          break;
        }
      } catch (IOException e) {
        last = e.toString();
      }
      Thread.sleep(PAUSE);
    }
    throw new IOException(method + " " + path + " directly at the server: " + last);
  }

  private Job start(int count, @Nullable RateLimiter pace, Step step) {
    Job job = new Job(count);
    jobs.add(job);
    // At a pace of twice a second sixteen would wait eight seconds for their turns when it is
    // ended.
    int most =
        pace == null ? THREADS : (int) Math.clamp(pace.rate().permitsPerSecond() / 10, 1, THREADS);
    for (int i = 0; i < Math.min(most, count); i++) {
      job.threads.add(
          Thread.ofVirtual().name("demo-load-" + i).unstarted(() -> job.work(pace, step)));
    }
    job.threads.forEach(Thread::start);
    return job;
  }

  /**
   * What the server said last about an object.
   *
   * @param number its resource version; 0 if unknown
   * @param deleted whether the object is gone
   */
  private record Version(long number, boolean deleted) {
    private static final JsonMapper JSON = new JsonMapper();

    static Version of(String method, byte[] answer) {
      long number = JSON.readTree(answer).path("metadata").path("resourceVersion").asLong(0);
      return new Version(number, method.equals("DELETE"));
    }

    /** A deletion and what follows it come from one thread after the other: the last one counts. */
    static Version later(Version before, Version after) {
      return after.deleted || before.deleted || after.number > before.number ? after : before;
    }

    boolean isSeen(Optional<Resource> resource) {
      return deleted
          ? resource.isEmpty()
          : resource.isPresent() && Long.parseLong(resource.get().resourceVersion()) >= number;
    }
  }

  private interface Step {
    void run(int i) throws IOException, InterruptedException;
  }

  /** Work under way. */
  static final class Job {
    private final int count;
    private final long started = System.nanoTime();
    private final List<Thread> threads = new ArrayList<>();
    private final AtomicInteger next = new AtomicInteger();
    private final AtomicInteger done = new AtomicInteger();
    private volatile long lastDone = started;
    private volatile boolean stopped;
    private volatile @Nullable IOException failure;

    private Job(int count) {
      this.count = count;
    }

    private void work(@Nullable RateLimiter pace, Step step) {
      try {
        for (int i = next.getAndIncrement(); i < count && !stopped; i = next.getAndIncrement()) {
          if (pace != null) {
            pace.acquire();
            if (stopped) {
              return;
            }
          }
          step.run(i);
          done.incrementAndGet();
          lastDone = System.nanoTime();
        }
      } catch (IOException e) {
        failure = e;
        stopped = true;
      } catch (InterruptedException e) {
        stopped = true;
      }
    }

    /** Whether all are done, or none is begun any more. */
    boolean isOver() {
      return stopped || done() == count;
    }

    /** How many are done. */
    int done() {
      return done.get();
    }

    /** How long it has taken, or took. */
    Duration took() {
      return Duration.ofNanos(Math.max(1, lastDone - started));
    }

    /** How many a second. */
    double perSecond() {
      return done() / (took().toNanos() / 1e9);
    }

    /**
     * Waits until all is done, for so long at most; then what is left is not done any more. Blocks.
     *
     * @return whether all is done
     * @throws IOException if the server refused one for good
     * @throws InterruptedException if interrupted; what is left is not done any more
     */
    boolean await(Duration atMost) throws IOException, InterruptedException {
      long end = System.nanoTime() + atMost.toNanos();
      try {
        for (Thread thread : threads) {
          long left = end - System.nanoTime();
          if (left <= 0 || !thread.join(Duration.ofNanos(left))) {
            break;
          }
        }
      } finally {
        stop();
      }
      IOException failed = failure;
      if (failed != null) {
        throw failed;
      }
      return done() == count;
    }

    /**
     * Begins nothing more, and waits until what was begun is done, for so long at most. Blocks.
     *
     * @return whether all that was begun is done
     * @throws IOException if the server refused one for good
     */
    boolean end(Duration atMost) throws IOException, InterruptedException {
      stop();
      long end = System.nanoTime() + atMost.toNanos();
      boolean all = true;
      for (Thread thread : threads) {
        all &= thread.join(Duration.ofNanos(Math.max(1, end - System.nanoTime())));
      }
      IOException failed = failure;
      if (failed != null) {
        throw failed;
      }
      return all;
    }

    /** Leaves what has not been begun. */
    void stop() {
      stopped = true;
    }
  }
}
