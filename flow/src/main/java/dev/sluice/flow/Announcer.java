package dev.sluice.flow;

import java.util.Locale;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Tells a listener what happened at one source, and keeps the listener's own failures away from the
 * flow: what it throws is swallowed, after one log line.
 *
 * <p>Never called while a lock of the source is held, so a listener may call back.
 */
final class Announcer {
  private static final System.Logger LOG = System.getLogger(FlowListener.class.getName());

  private final String source;
  private final FlowListener listener;
  private final AtomicBoolean complained = new AtomicBoolean();

  Announcer(String source, FlowListener listener) {
    this.source = source;
    this.listener = listener;
  }

  String source() {
    return source;
  }

  /** Whether nobody listens, so that the caller can save itself the event. */
  boolean silent() {
    return listener == FlowListener.NONE;
  }

  void waited(String cause, long nanos) {
    if (!silent()) {
      tell(new FlowEvent.Waited(source, cause, nanos));
    }
  }

  void abandoned(String cause, long nanos) {
    if (!silent()) {
      tell(new FlowEvent.Abandoned(source, cause, nanos));
    }
  }

  void rejected(String cause) {
    if (!silent()) {
      tell(new FlowEvent.Rejected(source, cause));
    }
  }

  /**
   * As {@link #stateChanged(String, String, String)}, with {@code HALF_OPEN} as {@code half-open}.
   */
  void stateChanged(String cause, Enum<?> from, Enum<?> to) {
    stateChanged(cause, word(from), word(to));
  }

  private static String word(Enum<?> state) {
    return state.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  void stateChanged(String cause, String from, String to) {
    if (!silent()) {
      tell(new FlowEvent.StateChanged(source, cause, from, to));
    }
  }

  void limitChanged(String cause, double from, double to) {
    if (!silent()) {
      tell(new FlowEvent.LimitChanged(source, cause, from, to));
    }
  }

  void tell(FlowEvent event) {
    try {
      listener.on(event);
    } catch (Throwable e) { // an observer never disturbs the flow, whatever it throws
      if (complained.compareAndSet(false, true)) {
        LOG.log(
            System.Logger.Level.WARNING,
            "the listener of '"
                + source
                + "' threw at "
                + event
                + "; the flow goes on, and its further failures are not logged",
            e);
      }
    }
  }
}
