package dev.sluice.testkit.internal.json;

import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.api.Dump;
import org.snakeyaml.engine.v2.api.DumpSettings;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.api.RepresentToNode;
import org.snakeyaml.engine.v2.common.FlowStyle;
import org.snakeyaml.engine.v2.common.ScalarStyle;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;
import org.snakeyaml.engine.v2.nodes.Tag;
import org.snakeyaml.engine.v2.representer.StandardRepresenter;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** YAML documents as JSON trees, and back. Stateless; safe for any thread. */
public final class Yaml {

  private static final int MAX_CODE_POINTS = 64 << 20;

  private Yaml() {}

  /** A text that is no YAML, or has no JSON form. The message says where and what. */
  public static final class MalformedException extends Exception {
    private static final long serialVersionUID = 1;

    MalformedException(String message, @Nullable Throwable cause) {
      super(message, cause);
    }
  }

  /**
   * All documents of a stream; empty ones are left out. JSON is YAML, too.
   *
   * @throws MalformedException also if it is no UTF-8
   */
  public static List<JsonNode> parseAll(byte[] bytes) throws MalformedException {
    String fault = Utf8.fault(bytes);
    if (fault != null) {
      throw new MalformedException("yaml: " + fault, null);
    }
    return parseAll(new String(bytes, StandardCharsets.UTF_8));
  }

  /** All documents of a stream; empty ones are left out. JSON is YAML, too. */
  public static List<JsonNode> parseAll(String text) throws MalformedException {
    LoadSettings settings =
        LoadSettings.builder()
            .setAllowDuplicateKeys(true)
            .setCodePointLimit(MAX_CODE_POINTS)
            .setMaxAliasesForCollections(1_000)
            .build();
    try {
      List<JsonNode> documents = new ArrayList<>();
      for (Object document : new Load(settings).loadAllFromString(text)) {
        if (document != null) {
          documents.add(new Trees().tree(document, 0));
        }
      }
      return documents;
    } catch (YamlEngineException e) {
      throw new MalformedException("yaml: " + problem(e), e);
    } catch (StackOverflowError e) {
      // The parser goes down a level of the document with a level of the stack.
      throw new MalformedException("yaml: exceeded max depth of " + Json.MAX_DEPTH, e);
    }
  }

  /** The line and what is wrong with it; where both parsers know the same fault, in Go's words. */
  private static String problem(YamlEngineException e) {
    if (!(e instanceof MarkedYamlEngineException marked)) {
      return String.valueOf(e.getMessage());
    }
    String problem =
        marked.getProblem().startsWith("expected the node content")
            ? "did not find expected node content"
            : marked.getProblem();
    return marked
        .getProblemMark()
        .map(mark -> "line " + (mark.getLine() + 1) + ": " + problem)
        .orElse(problem);
  }

  /**
   * Makes a tree of what was loaded. Aliases are written out, within the bounds that the real
   * server's parser has: a document of a few lines could otherwise fill the memory.
   */
  private static final class Trees {
    private final Set<Object> seen = Collections.newSetFromMap(new IdentityHashMap<>());
    private final Set<Object> open = Collections.newSetFromMap(new IdentityHashMap<>());
    private int aliasDepth;
    private long nodes;
    private long aliased;

    private JsonNode tree(@Nullable Object value, int depth) throws MalformedException {
      nodes++;
      if (aliasDepth > 0) {
        aliased++;
      }
      if (aliased > 100 && nodes > 1_000 && (double) aliased / nodes > allowedRatio(nodes)) {
        throw new MalformedException("yaml: document contains excessive aliasing", null);
      }
      return switch (value) {
        case null -> Json.object().nullNode();
        case String s -> Json.string(s);
        case Boolean b -> Json.object().booleanNode(b);
        case Integer i -> Json.number(i);
        case Long l -> Json.number(l);
        case BigInteger big -> Json.object().numberNode(big.doubleValue());
        case Double d -> {
          if (d.isNaN() || d.isInfinite()) {
            throw new MalformedException("YAML value " + d + " has no JSON form", null);
          }
          yield Json.object().numberNode(d);
        }
        case List<?> list -> collection(list, depth);
        case Map<?, ?> map -> collection(map, depth);
        default ->
            throw new MalformedException(
                "YAML value of " + value.getClass() + " has no JSON form", null);
      };
    }

    private JsonNode collection(Object value, int depth) throws MalformedException {
      if (depth >= Json.MAX_DEPTH) {
        throw new MalformedException("yaml: exceeded max depth of " + Json.MAX_DEPTH, null);
      }
      if (!open.add(value)) {
        throw new MalformedException("yaml: an anchor's value contains itself", null);
      }
      boolean alias = !seen.add(value);
      aliasDepth += alias ? 1 : 0;
      JsonNode tree;
      if (value instanceof List<?> list) {
        ArrayNode array = Json.array();
        for (Object element : list) {
          array.add(tree(element, depth + 1));
        }
        tree = array;
      } else {
        ObjectNode object = Json.object();
        for (Map.Entry<?, ?> entry : ((Map<?, ?>) value).entrySet()) {
          object.set(String.valueOf(entry.getKey()), tree(entry.getValue(), depth + 1));
        }
        tree = object;
      }
      aliasDepth -= alias ? 1 : 0;
      open.remove(value);
      return tree;
    }

    /** As in Go's parser: nearly all of a small document, a tenth of a big one. */
    private static double allowedRatio(long nodes) {
      return nodes <= 400_000
          ? 0.99
          : nodes >= 4_000_000 ? 0.10 : 0.99 - 0.89 * (nodes - 400_000) / 3_600_000;
    }
  }

  /** Writes one document in block style, keys sorted, as the server does. */
  public static String write(JsonNode node) {
    DumpSettings settings =
        DumpSettings.builder()
            .setDefaultFlowStyle(FlowStyle.BLOCK)
            .setIndicatorIndent(0)
            .setWidth(1_000_000)
            .build();
    return new Dump(settings, new Quoting(settings)).dumpToString(plain(node));
  }

  /**
   * Quotes what a reader of YAML 1.1 would take for something else than text: numbers, times, yes
   * and no.
   */
  private static final class Quoting extends StandardRepresenter {
    private static final Pattern AMBIGUOUS =
        Pattern.compile(
            "(?i)[-+]?[.\\d][-+.\\d_:,eExXa-f]*|\\d{4}-\\d\\d?-\\d\\d?([Tt"
                + " ].*)?|y|n|yes|no|on|off|true|false|null|~|");

    Quoting(DumpSettings settings) {
      super(settings);
      RepresentToNode text = java.util.Objects.requireNonNull(representers.get(String.class));
      representers.put(
          String.class,
          data ->
              AMBIGUOUS.matcher((String) data).matches()
                  ? representScalar(Tag.STR, (String) data, ScalarStyle.DOUBLE_QUOTED)
                  : ((String) data).indexOf('\n') >= 0
                      ? representScalar(Tag.STR, (String) data, ScalarStyle.LITERAL)
                      : text.representData(data));
    }
  }

  private static @Nullable Object plain(JsonNode node) {
    return switch (node.getNodeType()) {
      case OBJECT -> {
        Map<String, @Nullable Object> map = new TreeMap<>();
        node.properties().forEach(entry -> map.put(entry.getKey(), plain(entry.getValue())));
        yield map;
      }
      case ARRAY -> {
        List<@Nullable Object> list = new ArrayList<>();
        node.forEach(element -> list.add(plain(element)));
        yield list;
      }
      case STRING -> node.stringValue();
      case BOOLEAN -> node.booleanValue();
      case NUMBER ->
          node.isIntegralNumber() ? (Object) node.longValue() : (Object) node.doubleValue();
      default -> null;
    };
  }
}
