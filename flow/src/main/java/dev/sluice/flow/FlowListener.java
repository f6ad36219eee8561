package dev.sluice.flow;

/**
 * Receives {@link FlowEvent}s.
 *
 * <p>Called on the thread on which the event happened, so it must be quick and must not block. What
 * it throws is swallowed after one log line per listener: an observer never disturbs the flow.
 */
@Experimental
@FunctionalInterface
public interface FlowListener {

  /** Hears nothing. */
  FlowListener NONE = event -> {};

  /** Called once for each event, by any thread. */
  void on(FlowEvent event);
}
