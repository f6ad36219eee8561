package dev.sluice.kube.internal.informer;

import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicLong;
import java.util.random.RandomGenerator;

/** Makes generators of one seed, each for one thread. Safe for use by any number of threads. */
public final class Seeds {
  private final AtomicLong next;

  /** Takes its seed from a generator. */
  public Seeds(RandomGenerator from) {
    this.next = new AtomicLong(from.nextLong());
  }

  /** The next generator. */
  public RandomGenerator random() {
    return new SplittableRandom(next.getAndIncrement());
  }
}
