package dev.sluice.bench;

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
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/** Runs the works, ours and the peers', and prints one table. Started by {@code bench/run}. */
public final class Bench {

  /** All works, in the order of the table. */
  static final List<Class<?>> WORKS = List.of(QueueCycle.class, QueueOneToFour.class);

  private static final ObjectMapper JSON =
      JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();

  private boolean quick;
  private boolean withGo = true;
  private Pattern only = Pattern.compile("");
  private @Nullable Path json;

  private Bench() {}

  /** See {@code bench/run}. */
  public static void main(String[] args) throws Exception {
    Bench bench = new Bench();
    String wrong = bench.read(args);
    if (wrong != null) {
      System.err.println("error: " + wrong);
      System.err.println("usage: bench/run [--quick] [--only REGEX] [--no-go] [--json FILE]");
      System.exit(2);
    }
    bench.run();
  }

  private @Nullable String read(String[] args) {
    for (int i = 0; i < args.length; i++) {
      boolean more = i + 1 < args.length;
      switch (args[i]) {
        case "--quick" -> quick = true;
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
    if (WORKS.stream().noneMatch(work -> only.matcher(work(work).name()).find())) {
      return "no work matches --only "
          + only
          + "; there are "
          + String.join(", ", WORKS.stream().map(work -> work(work).name()).toList());
    }
    return null;
  }

  private void run() throws Exception {
    double load = ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage();
    if (load > 0.5) {
      System.err.printf(
          Locale.ROOT, "note: the machine is busy (load %.1f); the figures will show it%n", load);
    }
    Map<String, List<Figure>> figures = new LinkedHashMap<>();
    List<Class<?>> chosen = new ArrayList<>();
    for (Class<?> type : WORKS) {
      Work work = work(type);
      if (!only.matcher(work.name()).find()) {
        continue;
      }
      chosen.add(type);
      System.err.println("Measuring " + work.title() + " ...");
      figures.put(work.name(), new ArrayList<>(measure(type)));
    }
    String go = System.getProperty("bench.go");
    if (withGo && go != null) {
      System.err.println("Measuring the Go peers ...");
      measureGo(go, figures);
    }
    Map<String, String> machine = machine(load);
    print(chosen, figures, machine);
    if (json != null) {
      write(json, chosen, figures, machine);
    }
  }

  private static Work work(Class<?> type) {
    return Objects.requireNonNull(type.getAnnotation(Work.class), type.getName());
  }

  private List<Figure> measure(Class<?> type) throws Exception {
    return Measured.class.isAssignableFrom(type)
        ? ((Measured) type.getDeclaredConstructor().newInstance()).measure(quick)
        : measureWithJmh(type);
  }

  private List<Figure> measureWithJmh(Class<?> type) throws RunnerException {
    Work work = work(type);
    boolean throughput = work.unit() == Work.Unit.OPS_PER_SECOND;
    ChainedOptionsBuilder options =
        new OptionsBuilder()
            .include(Pattern.quote(type.getName()) + "\\..*")
            .mode(throughput ? Mode.Throughput : Mode.AverageTime)
            .timeUnit(throughput ? TimeUnit.SECONDS : TimeUnit.NANOSECONDS)
            .forks(quick ? 1 : 3)
            .warmupIterations(quick ? 3 : 5)
            .warmupTime(TimeValue.milliseconds(quick ? 300 : 1000))
            .measurementIterations(quick ? 3 : 5)
            .measurementTime(TimeValue.milliseconds(quick ? 300 : 1000))
            .shouldFailOnError(true)
            .verbosity(VerboseMode.SILENT)
            .jvmArgsAppend(
                "-Xmx1g",
                "-XX:+IgnoreUnrecognizedVMOptions",
                "--sun-misc-unsafe-memory-access=allow");
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

  private void measureGo(String program, Map<String, List<Figure>> figures)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of(program, "-only", only.pattern()));
    if (quick) {
      command.add("-quick");
    }
    Process process =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    List<String> lines;
    try (var out = process.inputReader(StandardCharsets.UTF_8)) {
      lines = out.lines().toList();
    }
    if (process.waitFor() != 0) {
      throw new IOException("the Go peers ended with status " + process.exitValue());
    }
    for (String line : lines) {
      JsonNode figure = JSON.readTree(line);
      String work = figure.path("work").asString();
      List<Figure> of = figures.get(work);
      if (of != null) {
        of.add(
            new Figure(
                work,
                figure.path("peer").asString(),
                figure.path("version").asString(),
                figure.path("value").asDouble(),
                Double.NaN));
      }
    }
  }

  private Map<String, String> machine(double load) throws IOException {
    Map<String, String> machine = new LinkedHashMap<>();
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
    machine.put("os", System.getProperty("os.name") + " " + System.getProperty("os.version"));
    machine.put(
        "java", System.getProperty("java.vendor") + " " + System.getProperty("java.version"));
    machine.put("load", String.format(Locale.ROOT, "%.1f", load));
    machine.put("mode", quick ? "quick (the figures mean little)" : "full");
    return machine;
  }

  private static void print(
      List<Class<?>> chosen, Map<String, List<Figure>> figures, Map<String, String> machine) {
    System.out.println();
    machine.forEach((what, value) -> System.out.println(what + ": " + value));
    System.out.println();
    List<String[]> rows = new ArrayList<>();
    rows.add(new String[] {"work", "contender", "result", "to sluice's best", "target"});
    for (Class<?> type : chosen) {
      Work work = work(type);
      List<Figure> all = figures.getOrDefault(work.name(), List.of());
      double ours = best(all, work.unit());
      boolean first = true;
      for (Figure figure : all) {
        rows.add(
            new String[] {
              first ? work.title() : "",
              figure.contender() + (figure.version().isEmpty() ? "" : " " + figure.version()),
              text(figure, work.unit()),
              figure.isOurs() || Double.isNaN(ours)
                  ? ""
                  : String.format(Locale.ROOT, "%.2f x", figure.value() / ours),
              first ? work.target() : ""
            });
        first = false;
      }
    }
    int[] widths = new int[5];
    for (String[] row : rows) {
      for (int i = 0; i < row.length; i++) {
        widths[i] = Math.max(widths[i], row[i].length());
      }
    }
    for (int r = 0; r < rows.size(); r++) {
      StringBuilder line = new StringBuilder("|");
      for (int i = 0; i < widths.length; i++) {
        String cell = rows.get(r)[i];
        boolean number = i == 2 || i == 3;
        String padding = " ".repeat(widths[i] - cell.length());
        line.append(' ').append(number ? padding + cell : cell + padding).append(" |");
      }
      System.out.println(line);
      if (r == 0) {
        System.out.println(line.toString().replaceAll("[^|]", "-"));
      }
    }
  }

  private static double best(List<Figure> figures, Work.Unit unit) {
    var ours = figures.stream().filter(Figure::isOurs).mapToDouble(Figure::value);
    return (unit.moreIsBetter() ? ours.max() : ours.min()).orElse(Double.NaN);
  }

  private static String text(Figure figure, Work.Unit unit) {
    double value = figure.value();
    String number =
        Math.abs(value) >= 1000
            ? String.format(Locale.ROOT, "%,.0f", value)
            : String.format(Locale.ROOT, Math.abs(value) >= 10 ? "%.1f" : "%.3f", value);
    String error =
        Double.isNaN(figure.error()) ? "" : String.format(Locale.ROOT, " ± %.1f", figure.error());
    return number + error + " " + unit.symbol();
  }

  private static void write(
      Path file,
      List<Class<?>> chosen,
      Map<String, List<Figure>> figures,
      Map<String, String> machine)
      throws IOException {
    List<Map<String, Object>> all = new ArrayList<>();
    for (Class<?> type : chosen) {
      Work work = work(type);
      for (Figure figure : figures.getOrDefault(work.name(), List.of())) {
        Map<String, Object> entry = new LinkedHashMap<>();
        entry.put("work", work.name());
        entry.put("title", work.title());
        entry.put("target", work.target());
        entry.put("contender", figure.contender());
        entry.put("version", figure.version());
        entry.put("value", figure.value());
        if (!Double.isNaN(figure.error())) {
          entry.put("error", figure.error());
        }
        entry.put("unit", work.unit().symbol());
        all.add(entry);
      }
    }
    Map<String, Object> content = new LinkedHashMap<>();
    content.put("machine", machine);
    content.put("figures", all);
    Path folder = file.toAbsolutePath().getParent();
    if (folder != null) {
      Files.createDirectories(folder);
    }
    Files.writeString(file, JSON.writeValueAsString(content) + "\n");
  }
}
