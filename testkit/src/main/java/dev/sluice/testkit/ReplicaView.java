package dev.sluice.testkit;

import dev.sluice.testkit.internal.api.View;
import dev.sluice.testkit.internal.store.Store;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/** What a replica's watch cache has seen: everything, nothing new, or what is old enough. */
final class ReplicaView implements View {
  private static final long STEP_NANOS = 5_000_000;

  private final Store store;
  private volatile long limit = Long.MAX_VALUE;
  private @Nullable Thread follower;

  ReplicaView(Store store) {
    this.store = store;
  }

  @Override
  public long visible() {
    return Math.min(limit, store.revision());
  }

  synchronized void freeze() {
    stopFollowing();
    limit = store.revision();
  }

  synchronized void catchUp() {
    stopFollowing();
    limit = Long.MAX_VALUE;
    store.wakeReaders();
  }

  synchronized void lag(Duration behind) {
    stopFollowing();
    limit = store.revision();
    long nanos = behind.toNanos();
    follower =
        Thread.ofVirtual()
            .name("replica-lag")
            .start(() -> {
              ArrayDeque<long[]> past = new ArrayDeque<>();
              while (!Thread.currentThread().isInterrupted()) {
                long now = System.nanoTime();
                long revision = store.revision();
                if (past.isEmpty() ? revision != limit : revision != past.getLast()[1]) {
                  past.addLast(new long[] {now, revision});
                }
                long seen = limit;
                while (!past.isEmpty() && now - past.getFirst()[0] >= nanos) {
                  seen = past.removeFirst()[1];
                }
                if (seen != limit) {
                  limit = seen;
                  store.wakeReaders();
                }
                LockSupport.parkNanos(STEP_NANOS);
              }
            });
  }

  private void stopFollowing() {
    Thread thread = follower;
    if (thread != null) {
      thread.interrupt();
      follower = null;
    }
  }
}
