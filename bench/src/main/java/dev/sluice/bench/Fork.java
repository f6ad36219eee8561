package dev.sluice.bench;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * A fresh JVM for each contender, so that none is measured on a heap that others have filled or
 * with code that was compiled for others' sake.
 */
final class Fork {
  private static final String RESULT = "result:";
  static final long PATIENCE_SECONDS = 180;

  /** What the fresh JVM does. Has a constructor without parameters. */
  interface Task {
    /**
     * Does it.
     *
     * @param argument which contender, say
     */
    double[] run(Effort effort, String argument) throws Exception;
  }

  private Fork() {}

  /** Runs the task in a JVM of its own; in this one if it is to take no time. */
  static double[] run(Class<? extends Task> task, Effort effort, String argument) throws Exception {
    return run(task, effort, argument, List.of("-Xms2g", "-Xmx2g"));
  }

  /** The same with options for the JVM. */
  static double[] run(
      Class<? extends Task> task, Effort effort, String argument, List<String> options)
      throws Exception {
    if (effort == Effort.BLINK) {
      return task.getDeclaredConstructor().newInstance().run(effort, argument);
    }
    List<String> command = new ArrayList<>(List.of(System.getProperty("java.home") + "/bin/java"));
    command.addAll(options);
    command.addAll(Bench.JVM_ARGS);
    command.addAll(
        List.of("-cp", classPath(), Fork.class.getName(), task.getName(), effort.name(), argument));
    Process process =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    try (var out = process.inputReader(StandardCharsets.UTF_8)) {
      if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
        throw new IOException(
            task.getSimpleName()
                + " with "
                + argument
                + " did not end within "
                + PATIENCE_SECONDS
                + " s");
      }
      String line =
          out.lines()
              .filter(text -> text.startsWith(RESULT))
              .findFirst()
              .orElseThrow(() ->
                  new IOException(
                      task.getSimpleName()
                          + " with "
                          + argument
                          + " ended with status "
                          + process.exitValue()
                          + " and without a result"));
      String[] values = line.substring(RESULT.length()).trim().split(" ");
      double[] result = new double[values.length];
      for (int i = 0; i < result.length; i++) {
        result[i] = Double.parseDouble(values[i]);
      }
      return result;
    } finally {
      process.destroyForcibly();
    }
  }

  /**
   * The class path with the jar of this module in place of its folder, if it was made: an AOT cache
   * knows jars only.
   */
  private static String classPath() throws IOException {
    List<String> path = new ArrayList<>();
    for (String part :
        System.getProperty("java.class.path").split(java.io.File.pathSeparator, -1)) {
      path.add(part);
      Path target = Path.of(part).toAbsolutePath().getParent();
      if (part.endsWith("classes") && target != null) {
        try (Stream<Path> files = Files.list(target)) {
          files
              .map(Path::toString)
              .filter(name -> name.matches(".*/sluice-bench-[^/]*SNAPSHOT\\.jar"))
              .findFirst()
              .ifPresent(jar -> path.set(path.size() - 1, jar));
        }
      }
    }
    return String.join(java.io.File.pathSeparator, path);
  }

  /** The fresh JVM. */
  public static void main(String[] args) throws Exception {
    Task task =
        Class.forName(args[0]).asSubclass(Task.class).getDeclaredConstructor().newInstance();
    StringBuilder line = new StringBuilder(RESULT);
    for (double value : task.run(Effort.valueOf(args[1]), args[2])) {
      line.append(' ').append(value);
    }
    System.out.println(line);
    System.exit(0); // whatever threads a contender left behind
  }
}
