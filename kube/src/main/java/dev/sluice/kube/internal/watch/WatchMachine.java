package dev.sluice.kube.internal.watch;

import dev.sluice.kube.StopCause;
import dev.sluice.kube.internal.store.Versions;
import dev.sluice.kube.internal.transport.ServerStatus;
import dev.sluice.kube.internal.watch.State.BackingOff;
import dev.sluice.kube.internal.watch.State.Closed;
import dev.sluice.kube.internal.watch.State.Fresh;
import dev.sluice.kube.internal.watch.State.HandingOver;
import dev.sluice.kube.internal.watch.State.Held;
import dev.sluice.kube.internal.watch.State.Listing;
import dev.sluice.kube.internal.watch.State.Next;
import dev.sluice.kube.internal.watch.State.Opening;
import dev.sluice.kube.internal.watch.State.Probing;
import dev.sluice.kube.internal.watch.State.Restoring;
import dev.sluice.kube.internal.watch.State.StreamingList;
import dev.sluice.kube.internal.watch.State.Watching;
import java.time.Duration;
import java.util.Optional;

/**
 * The protocol of LIST and WATCH as one pure function: no I/O, no clock, no randomness.
 *
 * <pre>
 *  Fresh --> Restoring --> Probing
 *    |
 *    `-----> Listing (page by page) ----------> HandingOver --> Opening --> Watching
 *        `-> StreamingList (one watch) --------'                   ^         |   |
 *                  |  refused or not understood: Listing           |         |   | a gate is full
 *                  v                                               |         |   v
 *            BackingOff <--- every stop ------------ Probing ------'         |  Held
 *                ^                                      ^                    |
 *                `--------------------------------------'--------------------'
 * </pre>
 *
 * <ul>
 *   <li><b>Restoring.</b> What was kept of an earlier run is in the store and goes to the gates;
 *       then the stream goes on after its anchor, unless the server's version is behind it.
 *   <li><b>Listing.</b> A consistent LIST, in pages. A page that fails is asked for again; an
 *       expired continuation (410) begins the list again, then in one piece, so that it gets to its
 *       end. The fresh continuation that comes with such a 410 is not consistent with the pages
 *       before and is never used.
 *   <li><b>StreamingList.</b> The same as the beginning of a watch ({@code sendInitialEvents}), up
 *       to the bookmark that says so. A server that refuses it (400, 422), or shows by an ordinary
 *       bookmark, or by silence, that it does not know it, is listed page by page that time. A
 *       streaming list that is cut begins again: only a whole one tells what is missing.
 *   <li><b>HandingOver.</b> The list's differences go to the gates. While one is full nothing is
 *       asked of the server: a relist is not repeated at a closed gate. When all are handed over
 *       the list's version is the anchor.
 *   <li><b>Watching.</b> Each event is applied and handed over, and only then moves the anchor. An
 *       older version than the one reached means that the server's database was restored: {@code
 *       VERSION_REGRESSED}, and a relist.
 *   <li><b>Held.</b> A gate is full. BLOCK keeps the stream open and reads on when there is room;
 *       PAUSE closes it and opens it again at the anchor. Either way the event in hand is handed
 *       over first.
 *   <li><b>Probing.</b> After a connection was lost, or none was open for a while, a LIST of one
 *       object tells the server's present version: one that lies before what was reached means
 *       {@code VERSION_REGRESSED}. (A watch from a version in the future is accepted silently and
 *       stays silent.)
 *   <li><b>BackingOff.</b> Between any two attempts. What was asked for goes on where it stood:
 *       only 410, a regressed version and three unexplained refusals in a row lead to a relist.
 * </ul>
 */
final class WatchMachine {
  /** After so many unexplained refusals in a row the anchor itself is doubted. */
  static final int DOUBTED_AFTER = 3;

  /** After so many damaged lists in a row the next one is taken as it is. */
  static final int DAMAGED_ACCEPTED_AFTER = 3;

  private static final Action READ = new Action.ReadFrame();
  private static final Action APPLY = new Action.Apply();
  private static final Action HAND_OVER = new Action.HandOver();
  private static final Action PROBE = new Action.Probe();
  private static final Action REST = new Action.Rest();

  private final boolean streaming;

  /**
   * A machine.
   *
   * @param streaming whether lists are asked for as the beginning of a watch
   */
  WatchMachine(boolean streaming) {
    this.streaming = streaming;
  }

  /**
   * One step. Pure: the same state and input always give the same.
   *
   * @throws IllegalStateException if such an input cannot occur in such a state
   */
  Step step(State state, Input input) {
    if (input instanceof Input.Close) {
      return Step.stopped(StopCause.CLOSED, "", new Closed(), REST);
    }
    return switch (state) {
      case Fresh fresh ->
          switch (input) {
            case Input.Start start -> relist(0);
            case Input.Restored restored -> Step.to(new Restoring(restored.anchor()), HAND_OVER);
            default -> throw impossible(state, input);
          };
      case Restoring restoring -> {
        if (!(input instanceof Input.HandedOverAll)) {
          throw impossible(state, input);
        }
        // The server may be another one by now, or an older one.
        yield go(new Next.Resume(Position.at(restoring.anchor(), false), true, 0));
      }
      case Listing listing -> listing(listing, input);
      case StreamingList list -> streamingList(list, input);
      case HandingOver handing -> handingOver(handing, input);
      case Probing probing -> probing(probing, input);
      case Opening opening -> opening(opening, input);
      case Watching watching -> watching(watching, input);
      case Held held -> held(held, input);
      case BackingOff waiting -> {
        if (!(input instanceof Input.Elapsed)) {
          throw impossible(state, input);
        }
        yield go(waiting.next());
      }
      case Closed closed -> throw impossible(state, input);
    };
  }

  private Step go(Next next) {
    return switch (next) {
      case Next.Relist relist -> relist(relist.damaged());
      case Next.Page page -> page(page.token(), page.whole(), page.damaged());
      case Next.Resume resume ->
          resume.probe() ? Step.to(new Probing(resume), PROBE) : open(resume);
    };
  }

  private Step relist(int damaged) {
    return streaming
        ? Step.to(new StreamingList(false, damaged), new Action.OpenWatch(""))
        : page("", false, damaged);
  }

  private static Step page(String token, boolean whole, int damaged) {
    return Step.to(new Listing(token, whole, damaged), new Action.ReadPage(token, whole));
  }

  private static Step open(Next.Resume resume) {
    Position position = resume.position().resumed();
    return Step.to(
        new Opening(position, resume.refusals()), new Action.OpenWatch(position.anchor()));
  }

  private Step listing(Listing listing, Input input) {
    return switch (input) {
      case Input.PageRead page -> {
        if (!page.token().isEmpty()) {
          yield page(page.token(), listing.whole(), listing.damaged());
        }
        if (page.damaged() && listing.damaged() < DAMAGED_ACCEPTED_AFTER) {
          yield damaged(new Next.Page("", listing.whole(), listing.damaged() + 1));
        }
        yield Step.to(
            new HandingOver(page.version(), false, page.damaged()),
            new Action.FinishList(page.version()));
      }
      case Input.Refused refused -> {
        boolean continued = !listing.token().isEmpty();
        if (refused.status().expired()) {
          yield stop(
              continued ? StopCause.CONTINUE_EXPIRED : StopCause.EXPIRED,
              refused,
              new Next.Page("", true, listing.damaged()));
        }
        // 400 for a continuation: the server no longer understands it.
        boolean startOver = refused.status().code() == 400;
        yield stop(
            refusal(refused.status()),
            refused,
            new Next.Page(startOver ? "" : listing.token(), listing.whole(), listing.damaged()));
      }
      case Input.Broken broken ->
          stop(
              broken.cause(),
              broken.detail(),
              new Next.Page(listing.token(), listing.whole(), listing.damaged()));
      default -> throw impossible(listing, input);
    };
  }

  private Step streamingList(StreamingList list, Input input) {
    Next paged = new Next.Page("", false, list.damaged());
    Next again = new Next.Relist(list.damaged());
    return switch (input) {
      case Input.Opened opened -> Step.to(new StreamingList(true, list.damaged()), READ);
      case Input.Event event -> Step.to(list, APPLY);
      case Input.HandedOver handed -> Step.to(list, READ);
      case Input.Undecodable undecodable -> Step.to(list, READ);
      case Input.Bookmark bookmark -> {
        if (!bookmark.initialEventsEnd()) {
          yield stop(
              StopCause.REFUSED,
              "a bookmark without the mark of the end: the server has no streaming lists",
              paged);
        }
        if (bookmark.damaged() && list.damaged() < DAMAGED_ACCEPTED_AFTER) {
          yield damaged(new Next.Relist(list.damaged() + 1));
        }
        yield Step.to(
            new HandingOver(bookmark.version(), true, bookmark.damaged()),
            new Action.FinishList(bookmark.version()));
      }
      case Input.Refused refused -> {
        int code = refused.status().code();
        boolean unknown = code == 400 || code == 422 || code == 405 || code == 406;
        yield stop(refusal(refused.status()), refused, unknown ? paged : again);
      }
      case Input.Error error -> stop(refusal(error.status()), error, again);
      case Input.Broken broken -> stop(broken.cause(), broken.detail(), again);
      case Input.Ended ended ->
          stop(
              StopCause.EOF,
              "in the middle of a streaming list",
              ended.atDeadline() ? paged : again);
      case Input.Silent silent -> stop(StopCause.IDLE, "in the middle of a streaming list", paged);
      default -> throw impossible(list, input);
    };
  }

  private static Step damaged(Next next) {
    return stop(StopCause.DECODE_ERROR, "the list had objects that could not be decoded", next);
  }

  private Step handingOver(HandingOver handing, Input input) {
    return switch (input) {
      case Input.ListFinished finished -> Step.to(handing, HAND_OVER);
      case Input.HandedOverAll all -> {
        Position position = Position.at(handing.version(), handing.blemished());
        yield handing.open()
            ? Step.to(new Watching(position, 0), READ)
            : go(new Next.Resume(position, all.waited(), 0));
      }
      default -> throw impossible(handing, input);
    };
  }

  private Step probing(Probing probing, Input input) {
    Next.Resume resume = probing.resume();
    return switch (input) {
      case Input.Probed probed -> {
        if (!Versions.older(probed.version(), resume.position().reached())) {
          yield open(resume);
        }
        yield stop(
            StopCause.VERSION_REGRESSED,
            "the server is at "
                + probed.version()
                + ", the stream had reached "
                + resume.position().reached(),
            new Next.Relist(0));
      }
      case Input.Refused refused -> stop(refusal(refused.status()), refused, resume);
      case Input.Broken broken -> stop(broken.cause(), broken.detail(), resume);
      default -> throw impossible(probing, input);
    };
  }

  private Step opening(Opening opening, Input input) {
    Position position = opening.position();
    return switch (input) {
      case Input.Opened opened -> Step.to(new Watching(position, opening.refusals()), READ);
      case Input.Refused refused ->
          refusedWatch(refused.status(), wait(refused), position, opening.refusals());
      case Input.Broken broken ->
          stop(
              broken.cause(), broken.detail(), new Next.Resume(position, true, opening.refusals()));
      default -> throw impossible(opening, input);
    };
  }

  private Step watching(Watching watching, Input input) {
    Position position = watching.position();
    int refusals = watching.refusals();
    return switch (input) {
      case Input.Event event ->
          Versions.older(event.version(), position.reached())
              ? regressed(event.version(), position)
              : Step.to(watching, APPLY);
      case Input.HandedOver handed ->
          Step.to(new Watching(position.passed(handed.version()), 0), READ);
      case Input.Full full -> {
        State held = new Held(position, full.version(), !full.pause());
        yield full.pause()
            ? Step.stopped(StopCause.GATE_PAUSED, "", held, HAND_OVER)
            : Step.to(held, HAND_OVER);
      }
      case Input.Bookmark bookmark ->
          Versions.older(bookmark.version(), position.reached())
              ? regressed(bookmark.version(), position)
              : Step.to(new Watching(position.passed(bookmark.version()), 0), READ);
      case Input.Undecodable undecodable ->
          position.beyondRepeating()
              ? stop(
                  StopCause.DECODE_ERROR,
                  "an event could not be decoded the second time either",
                  new Next.Relist(0))
              : Step.to(new Watching(position.undecodable(), refusals), READ);
      case Input.Error error ->
          refusedWatch(error.status(), wait(error.status()), position, refusals);
      case Input.Ended ended ->
          stop(
              ended.atDeadline() ? StopCause.SERVER_TIMEOUT : StopCause.EOF,
              "",
              new Next.Resume(position, !ended.atDeadline(), refusals));
      case Input.Broken broken ->
          stop(broken.cause(), broken.detail(), new Next.Resume(position, true, refusals));
      case Input.Silent silent ->
          stop(StopCause.IDLE, silent.detail(), new Next.Resume(position, true, refusals));
      case Input.Diverged diverged ->
          stop(StopCause.AUDIT_DIVERGED, diverged.detail(), new Next.Relist(0));
      default -> throw impossible(watching, input);
    };
  }

  private Step held(Held held, Input input) {
    if (!(input instanceof Input.HandedOverAll)) {
      throw impossible(held, input);
    }
    Position position = held.position().passed(held.version());
    return held.open()
        ? Step.to(new Watching(position, 0), READ)
        : go(new Next.Resume(position, true, 0));
  }

  private static Step regressed(String version, Position position) {
    return stop(
        StopCause.VERSION_REGRESSED,
        "an event of version " + version + " after " + position.reached(),
        new Next.Relist(0));
  }

  /** A watch was refused, before it began or by an ERROR event. */
  private static Step refusedWatch(
      ServerStatus status, Duration atLeast, Position position, int refusals) {
    StopCause cause = refusal(status);
    Next next =
        switch (cause) {
          case EXPIRED -> new Next.Relist(0);
          case UNAUTHORIZED, FORBIDDEN, NOT_FOUND, THROTTLED ->
              new Next.Resume(position, true, refusals);
          default ->
              // A server that fails says so with 502 to 504; 500 is also what an unusable version
              // is
              // answered with.
              refusals + 1 >= DOUBTED_AFTER && status.code() <= 500
                  ? new Next.Relist(0)
                  : new Next.Resume(position, true, refusals + 1);
        };
    return stop(cause, status.toString(), atLeast, next);
  }

  /** The cause that a refusal is counted as. */
  static StopCause refusal(ServerStatus status) {
    if (status.expired()) {
      return StopCause.EXPIRED;
    }
    return switch (status.code()) {
      case 401 -> StopCause.UNAUTHORIZED;
      case 403 -> StopCause.FORBIDDEN;
      case 404 -> StopCause.NOT_FOUND;
      case 429 -> StopCause.THROTTLED;
      default -> status.code() >= 500 ? StopCause.SERVER_ERROR : StopCause.REFUSED;
    };
  }

  private static Duration wait(Input.Refused refused) {
    return refused.retryAfter().orElseGet(() -> wait(refused.status()));
  }

  private static Duration wait(ServerStatus status) {
    return Duration.ofSeconds(Math.max(0, status.retryAfterSeconds()));
  }

  private static Step stop(StopCause cause, Input.Refused refused, Next next) {
    return stop(cause, refused.status().toString(), wait(refused), next);
  }

  private static Step stop(StopCause cause, Input.Error error, Next next) {
    return stop(cause, error.status().toString(), wait(error.status()), next);
  }

  private static Step stop(StopCause cause, String detail, Next next) {
    return stop(cause, detail, Duration.ZERO, next);
  }

  private static Step stop(StopCause cause, String detail, Duration atLeast, Next next) {
    return Step.stopped(cause, detail, new BackingOff(next, cause), new Action.BackOff(atLeast));
  }

  private static IllegalStateException impossible(State state, Input input) {
    return new IllegalStateException("a stream in the state " + state + " cannot meet " + input);
  }

  /** The anchor, where there is one. */
  static Optional<String> anchor(State state) {
    return switch (state) {
      case Opening opening -> Optional.of(opening.position().anchor());
      case Watching watching -> Optional.of(watching.position().anchor());
      case Held held -> Optional.of(held.position().anchor());
      case Probing probing -> Optional.of(probing.resume().position().anchor());
      case BackingOff waiting ->
          waiting.next() instanceof Next.Resume resume
              ? Optional.of(resume.position().anchor())
              : Optional.empty();
      case Fresh fresh -> Optional.empty();
      case Restoring restoring -> Optional.of(restoring.anchor());
      case Listing listing -> Optional.empty();
      case StreamingList list -> Optional.empty();
      case HandingOver handing -> Optional.empty();
      case Closed closed -> Optional.empty();
    };
  }
}
