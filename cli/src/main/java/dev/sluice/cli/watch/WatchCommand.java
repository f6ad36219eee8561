package dev.sluice.cli.watch;

import dev.sluice.cli.ClusterOptions;
import dev.sluice.cli.ExitCode;
import dev.sluice.flow.Gate;
import dev.sluice.flow.Rate;
import dev.sluice.flow.RateLimiter;
import dev.sluice.kube.Discovery;
import dev.sluice.kube.ObjectKey;
import dev.sluice.kube.ResourceKind;
import dev.sluice.kube.Transport;
import java.io.IOException;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** The options of {@code sluice watch}. */
@Command(
    name = "watch",
    abbreviateSynopsis = true,
    sortOptions = false,
    description = {
      "Print the changes of one kind, starting with what is there, until Ctrl-C.",
      "Reconnects, with their causes, and a summary go to standard error."
    },
    footer = {
      "",
      "Examples:",
      "  sluice watch pods -A -o wide",
      "  sluice watch deploy -n web -l app=shop --for 30s --dump deployments.jsonl",
      "  sluice watch pods -o json --qps 10 --gate pause | jq .object.status.phase"
    })
public final class WatchCommand implements Callable<Integer> {
  @Spec
  @SuppressWarnings("NullAway.Init") // by picocli
  private CommandSpec spec;

  @Parameters(
      index = "0",
      arity = "0..1",
      paramLabel = "KIND",
      description =
          "The kind: plural, singular or short name, Kind, plural.group or plural.version.group.")
  private @Nullable String kind;

  @Parameters(
      index = "1",
      arity = "0..1",
      paramLabel = "NAME",
      description = "Only the object of this name.")
  private @Nullable String name;

  @Option(names = "--kinds", description = "List the kinds that can be watched, and end.")
  private boolean kinds;

  @ArgGroup private Scope scope = new Scope();

  private static final class Scope {
    @Option(
        names = {"-A", "--all-namespaces"},
        description = "The objects of all namespaces.")
    private boolean all;

    @Option(
        names = {"-n", "--namespace"},
        paramLabel = "NAMESPACE",
        description = "The objects of this namespace, instead of the context's.")
    private @Nullable String namespace;
  }

  @Option(
      names = {"-l", "--selector"},
      paramLabel = "SELECTOR",
      defaultValue = "",
      description = "Only objects with these labels: app=web,tier!=cache.")
  private String selector = "";

  @Option(
      names = "--field-selector",
      paramLabel = "SELECTOR",
      defaultValue = "",
      description = "Only objects with these fields: spec.nodeName=n1.")
  private String fieldSelector = "";

  @Option(
      names = {"-o", "--output"},
      paramLabel = "FORMAT",
      defaultValue = "name",
      description =
          "name, wide (a table), or json (one line a change: type, namespace, name,"
              + " resourceVersion, object). Default: ${DEFAULT-VALUE}.")
  private OutputFormat output = OutputFormat.NAME;

  @Option(
      names = "--qps",
      paramLabel = "RATE",
      description =
          "Write at most so many changes a second; 0.5 is one in two seconds. None is lost: the"
              + " gate keeps them.")
  private @Nullable Double qps;

  @Option(
      names = "--gate",
      paramLabel = "GATE",
      defaultValue = "coalesce",
      description =
          "What to do when the output is slower than the stream: coalesce (keep the latest state of"
              + " each object), block (read no further) or pause (close the stream and resume it"
              + " later). Default: ${DEFAULT-VALUE}.")
  private Gate.Kind gate = Gate.Kind.COALESCE;

  @Option(
      names = "--gate-capacity",
      paramLabel = "N",
      description = "How many changes a block or pause gate holds. Default: 128.")
  private @Nullable Integer gateCapacity;

  @Option(
      names = "--for",
      paramLabel = "DURATION",
      description = "End after this time: 30s, 5m, 1h30m.")
  private @Nullable Duration duration;

  @Option(
      names = "--dump",
      paramLabel = "FILE",
      description =
          "At the end write the last state of all objects, one JSON object a line; - is standard"
              + " output.")
  private @Nullable String dump;

  @Option(
      names = "--explain",
      description = "At the end tell how the stream did, and why it stopped.")
  private boolean explain;

  @Option(
      names = "--show-managed-fields",
      description = "Keep metadata.managedFields in json and dump.")
  private boolean managedFields;

  @Mixin private ClusterOptions cluster = new ClusterOptions();

  @Override
  public Integer call() throws IOException, InterruptedException {
    if (kinds) {
      return listKinds();
    }
    if (kind == null) {
      throw new ParameterException(
          spec.commandLine(), "say what to watch: a KIND such as pods, or --kinds to list them");
    }
    RateLimiter limiter = limiter();
    Gate<ObjectKey> changes = gate();
    StoreDump dumped = dump == null ? null : new StoreDump(dump);
    try (Transport transport = cluster.transport()) {
      ResourceKind resolved = Discovery.over(transport).resolve(kind);
      return new Session(
              cluster,
              resolved,
              namespace(resolved),
              selector,
              fields(),
              output,
              limiter,
              changes,
              duration,
              dumped,
              explain,
              managedFields,
              spec.commandLine().getOut(),
              spec.commandLine().getErr())
          .run(transport)
          .code();
    }
  }

  private int listKinds() throws IOException, InterruptedException {
    PrintWriter out = spec.commandLine().getOut();
    try (Transport transport = cluster.transport()) {
      List<ResourceKind> all =
          Discovery.over(transport).all().stream()
              .sorted(Comparator.comparing(ResourceKind::group).thenComparing(ResourceKind::plural))
              .toList();
      String row = "%-58s  %-38s  %-12s  %s%n";
      out.printf(Locale.ROOT, row, "NAME", "APIVERSION", "NAMESPACED", "KIND");
      for (ResourceKind each : all) {
        out.printf(
            Locale.ROOT,
            row,
            each,
            each.apiVersion(),
            each.namespaced() ? "yes" : "no",
            each.kind());
      }
    }
    out.flush();
    return ExitCode.OK.code();
  }

  /** The namespace to watch; empty for all. */
  private String namespace(ResourceKind resolved) {
    if (scope.all) {
      return "";
    }
    if (!resolved.namespaced()) {
      if (scope.namespace != null) {
        spec.commandLine()
            .getErr()
            .println(
                "note: "
                    + resolved
                    + " live in no namespace; --namespace "
                    + scope.namespace
                    + " has no effect");
      }
      return "";
    }
    return scope.namespace == null ? cluster.namespace() : scope.namespace;
  }

  private String fields() {
    if (name == null) {
      return fieldSelector;
    }
    return (fieldSelector.isEmpty() ? "" : fieldSelector + ",") + "metadata.name=" + name;
  }

  private @Nullable RateLimiter limiter() {
    if (qps == null) {
      return null;
    }
    if (!(qps > 0) || Double.isInfinite(qps)) {
      throw new ParameterException(
          spec.commandLine(),
          "--qps is a number of changes a second greater than 0, such as 10 or 0.5, not " + qps);
    }
    // A tenth of a second's worth at once, so that a late wake-up costs nothing.
    return RateLimiter.tokenBucket(Rate.perSecond(qps), Math.max(1, (long) (qps / 10)));
  }

  private Gate<ObjectKey> gate() {
    Gate.Builder<ObjectKey> builder = Gate.builder(gate);
    if (gateCapacity != null) {
      if (gate == Gate.Kind.COALESCE || gateCapacity < 1) {
        throw new ParameterException(
            spec.commandLine(),
            gate == Gate.Kind.COALESCE
                ? "--gate-capacity is for --gate block and --gate pause; coalesce holds each object"
                    + " once and needs none"
                : "--gate-capacity is at least 1, not " + gateCapacity);
      }
      builder.capacity(gateCapacity);
    }
    return builder.build();
  }
}
