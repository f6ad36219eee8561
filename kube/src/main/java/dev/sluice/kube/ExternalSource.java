package dev.sluice.kube;

import dev.sluice.flow.Experimental;
import java.util.function.Consumer;

/**
 * Tells a controller of what happens outside Kubernetes: a message queue, a poll of somebody's API,
 * a webhook.
 */
@Experimental
@FunctionalInterface
public interface ExternalSource {

  /**
   * Watches, and names the objects that are to be reconciled. Called on a virtual thread of its own
   * when the controller starts, and interrupted when it closes. When it throws, it is called again
   * after a backoff; when it returns, it is not.
   *
   * @param trigger takes the key of an object of the controller; may be called from any thread, and
   *     blocks while the queue is full
   */
  void run(Consumer<ObjectKey> trigger) throws Exception;
}
