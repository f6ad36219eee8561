package dev.sluice.flow;

import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** A thread that is expected to block: started, seen waiting, and asked for its result. */
final class Waiter<T> {
  private final Thread thread;
  private final CompletableFuture<T> result = new CompletableFuture<>();

  private Waiter(Callable<T> call) {
    thread =
        Thread.ofPlatform()
            .daemon()
            .start(() -> {
              try {
                result.complete(call.call());
              } catch (Throwable e) {
                result.completeExceptionally(e);
              }
            });
  }

  /** Starts a thread and returns when it waits. */
  static <T> Waiter<T> waiting(Callable<T> call) {
    Waiter<T> started = new Waiter<>(call);
    started.awaitWaiting();
    return started;
  }

  private void awaitWaiting() {
    while (thread.getState() != Thread.State.WAITING
        && thread.getState() != Thread.State.TIMED_WAITING) {
      if (result.isDone()) {
        throw new AssertionError("did not wait: " + result);
      }
      Thread.onSpinWait();
    }
  }

  /** Whether it still waits; looks once it has come to rest. */
  boolean stillWaits() {
    Thread.State state = thread.getState();
    while (state != Thread.State.WAITING
        && state != Thread.State.TIMED_WAITING
        && state != Thread.State.TERMINATED) {
      Thread.onSpinWait();
      state = thread.getState();
    }
    return !result.isDone();
  }

  void interrupt() {
    thread.interrupt();
  }

  /** What it returned, or an exception with what it threw; waits ten seconds at most. */
  T result() throws Exception {
    return result.get(10, TimeUnit.SECONDS);
  }
}
