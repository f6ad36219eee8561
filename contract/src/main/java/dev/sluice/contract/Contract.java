package dev.sluice.contract;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.InvocationInterceptor;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;
import org.junit.jupiter.api.extension.ReflectiveInvocationContext;
import org.opentest4j.TestAbortedException;

/**
 * Runs the cases on one server: starts it before the first, gives each case its {@link Api},
 * compares its transcript with the recorded one, writes the results after the last to {@code
 * target/contract/NAME.json}.
 */
public final class Contract
    implements BeforeAllCallback, AfterAllCallback, ParameterResolver, InvocationInterceptor {
  private final Supplier<Target> start;
  private final @Nullable Results recorded;
  private final Map<String, Results.Case> results = new ConcurrentHashMap<>();
  private @Nullable Target target;

  private Contract(Supplier<Target> start, @Nullable Results recorded) {
    this.start = start;
    this.recorded = recorded;
  }

  /** The suite on the server that is the truth. */
  public static Contract truth(Supplier<Target> start) {
    return new Contract(start, null);
  }

  /**
   * The suite on a server that must answer as the recorded one did.
   *
   * @param recorded results of a run on the true server, as this writes them
   */
  public static Contract likeness(Supplier<Target> start, InputStream recorded) {
    try (recorded) {
      return new Contract(
          start, Results.read(new String(recorded.readAllBytes(), StandardCharsets.UTF_8)));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static boolean outermost(ExtensionContext context) {
    return context.getRequiredTestClass().getEnclosingClass() == null;
  }

  @Override
  public void beforeAll(ExtensionContext context) {
    if (outermost(context)) {
      target = start.get();
      Widgets.create(target);
    }
  }

  @Override
  public void afterAll(ExtensionContext context) {
    if (!outermost(context) || target == null) {
      return;
    }
    try (Target ended = target) {
      Results.of(
              ended.name(),
              ended.version(),
              LocalDate.now(ZoneOffset.UTC).toString(),
              results.values())
          .write(Path.of("target", "contract", ended.name() + ".json"));
    }
  }

  @Override
  public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
    return parameter.getParameter().getType() == Api.class;
  }

  @Override
  public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
    return new Api(Objects.requireNonNull(target), context.getRequiredTestMethod().getName());
  }

  @Override
  public void interceptTestMethod(
      Invocation<@Nullable Void> invocation,
      ReflectiveInvocationContext<Method> invocationContext,
      ExtensionContext context)
      throws Throwable {
    Api used = (Api) invocationContext.getArguments().getFirst();
    Throwable failure = null;
    try (used) {
      invocation.proceed();
    } catch (Throwable e) {
      failure = e;
    }
    Method method = invocationContext.getExecutable();
    Chapter chapter =
        Objects.requireNonNull(method.getDeclaringClass().getAnnotation(Chapter.class));
    Proves proves = Objects.requireNonNull(method.getAnnotation(Proves.class));
    Deliberate deliberate = method.getAnnotation(Deliberate.class);
    String id = id(chapter, method);
    Results.Case result =
        new Results.Case(
            id,
            chapter.value(),
            chapter.order(),
            proves.value(),
            failure == null
                ? "holds"
                : failure instanceof TestAbortedException ? "not run" : "fails",
            failure == null ? "" : String.valueOf(failure.getMessage()),
            deliberate == null ? "" : deliberate.value(),
            used.transcript());
    results.put(id, result);
    if (recorded != null && !(failure instanceof TestAbortedException)) {
      failure = compared(result, deliberate, failure);
    }
    if (failure != null) {
      throw failure;
    }
  }

  private @Nullable Throwable compared(
      Results.Case mine, @Nullable Deliberate deliberate, @Nullable Throwable failure) {
    Results.Case real = Objects.requireNonNull(recorded).get(mine.id());
    if (real == null || !real.outcome().equals("holds")) {
      return new AssertionError(
          mine.id()
              + " has not been recorded on the real server; contract/report runs the suite on both"
              + " and records it",
          failure);
    }
    Throwable difference = failure;
    if (failure == null && !mine.transcript().equals(real.transcript())) {
      difference =
          new AssertionError(
              recorded.version()
                  + " answered otherwise:\n"
                  + differences(real.transcript(), mine.transcript()));
    }
    if (deliberate == null) {
      return difference;
    }
    return difference != null
        ? null
        : new AssertionError(
            "answers as the real server does: its @Deliberate can go (\""
                + deliberate.value()
                + "\")");
  }

  /** The lines in which two transcripts differ. */
  static String differences(List<String> real, List<String> mine) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < Math.max(real.size(), mine.size()); i++) {
      String theirs = i < real.size() ? real.get(i) : "(nothing more)";
      String ours = i < mine.size() ? mine.get(i) : "(nothing more)";
      if (!theirs.equals(ours)) {
        text.append("  real ").append(theirs).append("\n  here ").append(ours).append('\n');
      }
    }
    return text.toString();
  }

  static String id(Chapter chapter, Method method) {
    return chapter.value().toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9]+", "-")
        + "/"
        + method.getName().replaceAll("([A-Z])", "-$1").toLowerCase(Locale.ROOT);
  }
}
