package dev.sluice.bench;

import static java.util.Comparator.comparing;
import static java.util.stream.Collectors.joining;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.results.Result;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;
import tools.jackson.databind.json.JsonMapper;

/**
 * Runs the works, ours and the peers', and prints one table. Started by {@code bench/run}. There
 * are three suites: the streams, the journal, and all else.
 */
public final class Bench {

  /** The classes of all works but those of the other suites, in the order of the table. */
  static final List<Class<?>> WORKS =
      List.of(
          TryGranted.class,
          TryRefused.class,
          TryGrantedTwo.class,
          TryRefusedTwo.class,
          TryGrantedEight.class,
          TryRefusedEight.class,
          TryFairness.class,
          Pace.class,
          KeyedUniform.class,
          KeyedZipf.class,
          KeyedBytes.class,
          QueueCycle.class,
          QueueOneToFour.class,
          Delays.class,
          Waiters.class,
          EmbeddedServer.class);

  /** Those of the suite of streams. */
  static final List<Class<?>> STREAMS =
      List.of(
          StreamPods.class,
          StreamTls.class,
          StreamCustom.class,
          StreamSmall.class,
          StreamLarge.class,
          StreamReal.class);

  /** Those of the suite of the journal. */
  static final List<Class<?>> JOURNAL =
      List.of(JournalRestart.class, JournalReal.class, JournalStream.class);

  /** A suite by its name; that of all else has none. */
  static List<Class<?>> suite(String name) {
    return switch (name) {
      case "streams" -> STREAMS;
      case "journal" -> JOURNAL;
      default -> WORKS;
    };
  }

  /** What every JVM that measures is started with. */
  static final List<String> JVM_ARGS =
      List.of(
          "-XX:+IgnoreUnrecognizedVMOptions",
          "--sun-misc-unsafe-memory-access=allow",
          "-Dslf4j.internal.verbosity=ERROR");

  private static final ObjectMapper JSON = JsonMapper.builder().build();

  private final List<String> command;
  private Effort effort = Effort.FULL;
  private boolean withGo = true;
  private List<Class<?>> suite = WORKS;
  private @Nullable Pattern only;
  private @Nullable Path json;

  private Bench(List<String> command) {
    this.command = command;
  }

  /** See {@code bench/run}. */
  public static void main(String[] args) throws Exception {
    Bench bench = new Bench(List.of(args));
    String wrong = bench.read(args);
    if (wrong != null) {
      System.err.println("error: " + wrong);
      System.err.println(
          "usage: bench/run [streams|journal] [--quick] [--only REGEX] [--no-go] [--json FILE]");
      System.exit(2);
    }
    System.exit(bench.run() ? 0 : 1);
  }

  private @Nullable String read(String[] args) {
    for (int i = 0; i < args.length; i++) {
      boolean more = i + 1 < args.length;
      switch (args[i]) {
        case "streams", "journal" -> suite = suite(args[i]);
        case "--quick" -> effort = Effort.QUICK;
        case "--no-go" -> withGo = false;
        case "--only" -> {
          if (!more) {
            return "--only needs a regular expression";
          }
          try {
            only = Pattern.compile(args[++i]);
          } catch (PatternSyntaxException e) {
            return "--only " + args[i] + ": " + e.getDescription();
          }
        }
        case "--json" -> {
          if (!more) {
            return "--json needs a file";
          }
          json = Path.of(args[++i]);
        }
        default -> {
          return "unknown argument " + args[i];
        }
      }
    }
    if (only != null && suite == WORKS) {
      suite = all();
    }
    List<String> names = names(suite);
    if (names.stream().noneMatch(this::wanted)) {
      return "no work matches --only " + only + "; there are " + String.join(", ", names);
    }
    return null;
  }

  private boolean wanted(String work) {
    return only == null || only.matcher(work).find();
  }

  /** The classes of both suites. */
  static List<Class<?>> all() {
    return Stream.of(WORKS, STREAMS, JOURNAL).flatMap(List::stream).toList();
  }

  /** The names of their works. */
  static List<String> names(List<Class<?>> types) {
    return types.stream().flatMap(type -> works(type).stream()).map(Work::name).toList();
  }

  /**
   * Measures what was chosen. What fails is told in its place and keeps nothing else from being
   * measured; the JSON file is written after each work, so that an end before the end costs no more
   * than what was not measured yet.
   *
   * @return whether nothing failed
   */
  private boolean run() throws IOException {
    double load = ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage();
    if (load > 0.5) {
      System.err.printf(
          Locale.ROOT, "note: the machine is busy (load %.1f); the figures will show it%n", load);
    }
    if (!withGo) {
      System.clearProperty("bench.go");
    }
    String go = System.getProperty("bench.go");
    Map<String, String> machine = machine(load);
    List<Results.Outcome> outcomes = new ArrayList<>();
    for (Class<?> type : suite) {
      List<Work> works = works(type).stream().filter(work -> wanted(work.name())).toList();
      if (works.isEmpty()) {
        continue;
      }
      System.err.println("Measuring " + works.getFirst().title() + " ...");
      List<Figure> figures = new ArrayList<>();
      List<String> failures = new ArrayList<>();
      attempt(
          failures,
          () -> {
            try {
              figures.addAll(measure(type, effort));
            } catch (PartialException e) {
              figures.addAll(e.figures());
              throw e;
            }
          });
      if (go != null && WORKS.contains(type)) {
        attempt(failures, () -> figures.addAll(measureGo(go, works)));
      }
      for (Work work : works) {
        outcomes.add(
            Results.Outcome.of(
                work,
                figures.stream().filter(figure -> figure.work().equals(work.name())).toList(),
                failures.isEmpty() ? null : String.join("; ", failures)));
      }
      if (json != null) {
        new Results(machine, outcomes).write(json);
      }
    }
    Results results = new Results(machine, outcomes);
    results.print(System.out);
    return outcomes.stream().allMatch(outcome -> outcome.failure() == null);
  }

  /** A step that may fail without the others. */
  @FunctionalInterface
  private interface Step {
    void run() throws Exception;
  }

  private static void attempt(List<String> failures, Step step) {
    try {
      step.run();
    } catch (Exception | AssertionError e) {
      String why = String.valueOf(e.getMessage()).lines().findFirst().orElse("");
      failures.add(e.getClass().getSimpleName() + ": " + why);
      System.err.println("error: " + failures.getLast());
    }
  }

  /** The works of a class. */
  static List<Work> works(Class<?> type) {
    List<Work> works = List.of(type.getAnnotationsByType(Work.class));
    if (works.isEmpty()) {
      throw new IllegalStateException(type + " is not annotated with @Work");
    }
    return works;
  }

  /** Does the works of a class, with all contenders but those in Go. */
  static List<Figure> measure(Class<?> type, Effort effort) throws Exception {
    return Measured.class.isAssignableFrom(type)
        ? ((Measured) type.getDeclaredConstructor().newInstance()).measure(effort)
        : measureWithJmh(type, effort);
  }

  private static List<Figure> measureWithJmh(Class<?> type, Effort effort) throws RunnerException {
    Work work = works(type).getFirst();
    boolean throughput = work.unit() == Work.Unit.OPS_PER_SECOND;
    ChainedOptionsBuilder options =
        new OptionsBuilder()
            .include(Pattern.quote(type.getName()) + "\\..*")
            .mode(throughput ? Mode.Throughput : Mode.AverageTime)
            .timeUnit(throughput ? TimeUnit.SECONDS : TimeUnit.NANOSECONDS)
            .forks(effort.choose(2, 1, 0))
            .warmupIterations(effort.choose(2, 2, 0))
            .warmupTime(TimeValue.milliseconds(500))
            .measurementIterations(effort.choose(3, 2, 1))
            .measurementTime(TimeValue.milliseconds(effort.choose(500, 300, 1)))
            .timeout(TimeValue.seconds(60))
            .shouldFailOnError(true)
            .verbosity(VerboseMode.SILENT)
            .jvmArgs("-Xms1g", "-Xmx1g")
            .jvmArgsAppend(JVM_ARGS.toArray(String[]::new));
    List<Figure> figures = new ArrayList<>();
    for (RunResult result : new Runner(options.build()).run()) {
      String benchmark = result.getParams().getBenchmark();
      Method method = method(type, benchmark.substring(benchmark.lastIndexOf('.') + 1));
      Contender contender =
          Objects.requireNonNull(method.getAnnotation(Contender.class), benchmark);
      Result<?> primary = result.getPrimaryResult();
      String parameters =
          String.join(
              ", ",
              result.getParams().getParamsKeys().stream()
                  .map(key -> key + " " + result.getParams().getParam(key))
                  .toList());
      figures.add(
          new Figure(
              work.name(),
              contender.value() + (parameters.isEmpty() ? "" : ", " + parameters),
              version(contender.from()),
              primary.getScore(),
              primary.getScoreError()));
    }
    figures.sort(comparing(figure -> !figure.contender().startsWith("sluice")));
    return figures;
  }

  private static Method method(Class<?> type, String name) {
    for (Method method : type.getMethods()) {
      if (method.getName().equals(name)) {
        return method;
      }
    }
    throw new IllegalStateException("no method " + name + " in " + type);
  }

  /** The version in the name of the jar that a class comes from. */
  static String version(Class<?> from) {
    var source = from.getProtectionDomain().getCodeSource();
    if (source == null) {
      return "";
    }
    var matcher =
        Pattern.compile("-(\\d[^/]*)\\.jar$").matcher(String.valueOf(source.getLocation()));
    return matcher.find() ? matcher.group(1) : "";
  }

  private List<Figure> measureGo(String program, List<Work> works)
      throws IOException, InterruptedException {
    String names = works.stream().map(Work::name).collect(joining("|", "^(", ")$"));
    List<String> command = new ArrayList<>(List.of(program, "-only", names));
    if (effort != Effort.FULL) {
      command.add("-quick");
    }
    Process process =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    List<String> lines;
    try (var out = process.inputReader(StandardCharsets.UTF_8)) {
      if (!process.waitFor(Fork.PATIENCE_SECONDS, TimeUnit.SECONDS)) {
        throw new IOException("the Go peers did not end within " + Fork.PATIENCE_SECONDS + " s");
      }
      lines = out.lines().toList();
    } finally {
      process.destroyForcibly();
    }
    if (process.exitValue() != 0) {
      throw new IOException("the Go peers ended with status " + process.exitValue());
    }
    List<Figure> figures = new ArrayList<>();
    for (String line : lines) {
      JsonNode figure = JSON.readTree(line);
      figures.add(
          new Figure(
              figure.path("work").asString(),
              figure.path("peer").asString(),
              figure.path("version").asString(),
              figure.path("value").asDouble(),
              Double.NaN));
    }
    return figures;
  }

  private Map<String, String> machine(double load) throws IOException {
    Map<String, String> machine = new LinkedHashMap<>();
    machine.put(
        "command",
        String.join(" ", Stream.concat(Stream.of("bench/run"), command.stream()).toList()));
    machine.put("date", Instant.now().truncatedTo(ChronoUnit.MINUTES).toString());
    machine.put("commit", Objects.requireNonNullElse(System.getenv("SLUICE_COMMIT"), "unknown"));
    machine.put("cores", Integer.toString(Runtime.getRuntime().availableProcessors()));
    Path cpu = Path.of("/proc/cpuinfo");
    if (Files.isReadable(cpu)) {
      Files.readAllLines(cpu).stream()
          .filter(line -> line.startsWith("model name"))
          .findFirst()
          .ifPresent(line -> machine.put("cpu", line.replaceAll(".*:\\s*", "")));
    }
    Path memory = Path.of("/proc/meminfo");
    if (Files.isReadable(memory)) {
      Files.readAllLines(memory).stream()
          .filter(line -> line.startsWith("MemTotal"))
          .findFirst()
          .ifPresent(line ->
              machine.put(
                  "memory",
                  Math.round(Long.parseLong(line.replaceAll("\\D", "")) / 1024.0 / 1024) + " GiB"));
    }
    Path clock = Path.of("/sys/devices/system/clocksource/clocksource0/current_clocksource");
    if (Files.isReadable(clock)) {
      machine.put("clock", Files.readString(clock).trim());
    }
    machine.put("os", System.getProperty("os.name") + " " + System.getProperty("os.version"));
    machine.put(
        "java", System.getProperty("java.vendor") + " " + System.getProperty("java.version"));
    String go = System.getProperty("bench.go.version");
    machine.put("go", go == null || !withGo ? "left out" : go);
    machine.put("load before", String.format(Locale.ROOT, "%.1f", load));
    if (effort != Effort.FULL) {
      machine.put("mode", "quick (the figures mean little)");
    }
    return machine;
  }
}
