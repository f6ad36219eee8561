package dev.sluice.flow;

/**
 * Everything worth knowing about a flow, in one sealed type: waits, rejections and changes of
 * state, each with a cause by name.
 *
 * <p>Metrics, JFR, traces, console and logs are adapters of the one {@link FlowListener} that
 * receives these.
 */
@Experimental
public sealed interface FlowEvent {

  /** The name that the user gave to the limiter, gate, queue ... that speaks. */
  String source();

  /**
   * Why, as a stable name in lower-case words joined by hyphens ({@code rate-limit}, {@code
   * gate-full}): the same word in metrics, logs, docs and console.
   */
  String cause();

  /**
   * Somebody had to wait and now goes on.
   *
   * @param nanos how long, in nanoseconds
   */
  record Waited(String source, String cause, long nanos) implements FlowEvent {}

  /**
   * Somebody who waited left without having got anything: interrupted or cancelled.
   *
   * @param nanos how long it had waited, in nanoseconds
   */
  record Abandoned(String source, String cause, long nanos) implements FlowEvent {}

  /** Something was refused. Nothing that was already held is lost by it. */
  record Rejected(String source, String cause) implements FlowEvent {}

  /** A gate closed, a breaker opened, a queue began to drain ... */
  record StateChanged(String source, String cause, String from, String to) implements FlowEvent {}

  /**
   * A rate, a burst or a limit was moved.
   *
   * @param from the value before: permits a second for a rate ({@code set-rate}, {@code
   *     set-share}), permits for a burst ({@code set-burst}), concurrent permits for a limit of
   *     concurrency; an adaptive limit has the unit of what it drives
   * @param to the value after, same unit
   */
  record LimitChanged(String source, String cause, double from, double to) implements FlowEvent {}
}
