package dev.sluice.fabric8;

import dev.sluice.kube.Transport;
import java.io.IOException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;

/** Lets so many requests through and holds the next until it is let go. */
final class Barrier implements Transport {
  private final Transport transport;
  private final AtomicInteger left;
  final CountDownLatch reached = new CountDownLatch(1);
  final CountDownLatch go = new CountDownLatch(1);

  Barrier(Transport transport, int requests) {
    this.transport = transport;
    this.left = new AtomicInteger(requests);
  }

  @Override
  public Response send(Request request) throws IOException, InterruptedException {
    if (left.getAndDecrement() == 0) {
      reached.countDown();
      go.await();
    }
    return transport.send(request);
  }

  @Override
  public void close() {
    transport.close();
  }
}
