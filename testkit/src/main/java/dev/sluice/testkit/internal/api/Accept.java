package dev.sluice.testkit.internal.api;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * In which form the client wants the answer.
 *
 * @param yaml whether as YAML
 * @param form what is made of the object
 * @param version the version of the group {@code meta.k8s.io} asked for
 */
record Accept(boolean yaml, Form form, String version) {
  static final Accept JSON = new Accept(false, Form.WHOLE, "v1");

  enum Form {
    WHOLE,
    TABLE,
    PARTIAL,
    PARTIAL_LIST,
    DISCOVERY
  }

  private static final List<String> SUPPORTED =
      List.of("application/json", "application/yaml", "application/vnd.kubernetes.protobuf");

  private record Clause(String type, List<String[]> parameters, double quality) {
    @Nullable String parameter(String name) {
      for (String[] pair : parameters) {
        if (pair[0].equals(name)) {
          return pair[1];
        }
      }
      return null;
    }
  }

  /**
   * Reads an {@code Accept} header.
   *
   * @param custom whether a custom resource is asked for
   * @param watch whether a stream of events is
   * @throws StatusException 406 if nothing that is asked for can be given
   */
  static Accept of(ApiRequest request, boolean custom, boolean watch) {
    String header = request.accept();
    if (header.isBlank()) {
      return JSON;
    }
    List<Clause> clauses = parse(header);
    boolean known = false;
    boolean yamlOnly = false;
    for (Clause clause : clauses) {
      boolean json =
          clause.type().equals("application/json")
              || clause.type().equals("*/*")
              || (custom && clause.type().equals("application/*"));
      boolean yaml = clause.type().equals("application/yaml");
      known |= json || yaml || SUPPORTED.contains(clause.type());
      if (!json && !yaml) {
        continue;
      }
      if (watch && yaml) {
        yamlOnly = true;
        continue;
      }
      String as = clause.parameter("as");
      if (as == null) {
        return new Accept(yaml, Form.WHOLE, "v1");
      }
      String group = clause.parameter("g");
      String version = clause.parameter("v");
      if (!"meta.k8s.io".equals(group)) {
        continue;
      }
      Form form =
          switch (as) {
            case "Table" -> Form.TABLE;
            case "PartialObjectMetadata" -> Form.PARTIAL;
            case "PartialObjectMetadataList" -> Form.PARTIAL_LIST;
            default -> null;
          };
      if (form != null && version != null && (version.equals("v1") || version.equals("v1beta1"))) {
        return new Accept(yaml, form, version);
      }
    }
    if (yamlOnly) {
      throw StatusException.notAcceptable(
          List.of(
              "application/json;stream=watch", "application/vnd.kubernetes.protobuf;stream=watch"));
    }
    if (known || custom) {
      throw StatusException.notAcceptable(SUPPORTED);
    }
    boolean streams = request.target().name().isEmpty() && request.method().equals("GET");
    throw new StatusException(
        406,
        "NotAcceptable",
        "406: Not Acceptable\n\nAvailable representations: "
            + String.join(", ", SUPPORTED)
            + (streams
                ? ", application/json;stream=watch,"
                    + " application/vnd.kubernetes.protobuf;stream=watch"
                : ""),
        new StatusException.Details("", "", "", "", null, 0));
  }

  /** Whether the client reads protobuf and nothing else. */
  static boolean isProtobufOnly(String header) {
    List<Clause> clauses = parse(header);
    return !clauses.isEmpty()
        && clauses.stream()
            .allMatch(clause -> clause.type().equals("application/vnd.kubernetes.protobuf"));
  }

  /** Whether the aggregated form of discovery is asked for. */
  static boolean wantsAggregatedDiscovery(String header) {
    for (Clause clause : parse(header)) {
      if (clause.type().equals("application/json")) {
        if ("APIGroupDiscoveryList".equals(clause.parameter("as"))
            && "v2".equals(clause.parameter("v"))) {
          return true;
        }
        if (clause.parameter("as") == null) {
          return false;
        }
      }
    }
    return false;
  }

  private static List<Clause> parse(String header) {
    List<Clause> clauses = new ArrayList<>();
    for (String part : header.split(",")) {
      String[] pieces = part.strip().split(";");
      List<String[]> parameters = new ArrayList<>();
      double quality = 1;
      for (int i = 1; i < pieces.length; i++) {
        String[] pair = pieces[i].strip().split("=", 2);
        if (pair.length == 2) {
          if (pair[0].equals("q")) {
            try {
              quality = Double.parseDouble(pair[1]);
            } catch (NumberFormatException e) {
              quality = 1;
            }
          } else {
            parameters.add(pair);
          }
        }
      }
      if (!pieces[0].isBlank()) {
        clauses.add(new Clause(pieces[0].strip().toLowerCase(Locale.ROOT), parameters, quality));
      }
    }
    clauses.sort(Comparator.comparingDouble((Clause c) -> -c.quality()));
    return clauses;
  }
}
