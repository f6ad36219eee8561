package dev.sluice.testkit.internal.api;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** Label and field selectors: parsed as the server parses them, with its complaints. */
final class Selectors {
  private Selectors() {}

  /** A text that is no selector. */
  static final class MalformedException extends Exception {
    private static final long serialVersionUID = 1;

    MalformedException(String message) {
      super(message);
    }
  }

  /** One demand on labels. */
  record LabelRequirement(String key, Operator operator, List<String> values) {
    boolean matches(Map<String, String> labels) {
      String value = labels.get(key);
      return switch (operator) {
        case IN -> value != null && values.contains(value);
        case NOT_IN -> value == null || !values.contains(value);
        case EXISTS -> value != null;
        case DOES_NOT_EXIST -> value == null;
        case GREATER, LESS -> {
          if (value == null) {
            yield false;
          }
          try {
            int order = Long.compare(Long.parseLong(value), Long.parseLong(values.get(0)));
            yield operator == Operator.GREATER ? order > 0 : order < 0;
          } catch (NumberFormatException e) {
            yield false;
          }
        }
      };
    }
  }

  enum Operator {
    IN,
    NOT_IN,
    EXISTS,
    DOES_NOT_EXIST,
    GREATER,
    LESS
  }

  /** A conjunction of demands on labels. Immutable. */
  record Labels(List<LabelRequirement> requirements) {
    static final Labels EVERYTHING = new Labels(List.of());

    boolean matches(Map<String, String> labels) {
      for (LabelRequirement requirement : requirements) {
        if (!requirement.matches(labels)) {
          return false;
        }
      }
      return true;
    }
  }

  /** One demand on a field. */
  record FieldRequirement(String field, boolean equal, String value) {}

  /** A conjunction of demands on fields. Immutable. */
  record Fields(List<FieldRequirement> requirements) {
    static final Fields EVERYTHING = new Fields(List.of());

    boolean matches(Map<String, String> fields) {
      for (FieldRequirement requirement : requirements) {
        String value = fields.getOrDefault(requirement.field(), "");
        if (value.equals(requirement.value()) != requirement.equal()) {
          return false;
        }
      }
      return true;
    }

    /** The value that a field must have; null if any may do. */
    @Nullable String exact(String field) {
      for (FieldRequirement requirement : requirements) {
        if (requirement.equal() && requirement.field().equals(field)) {
          return requirement.value();
        }
      }
      return null;
    }
  }

  static Fields fields(String text) throws MalformedException {
    List<FieldRequirement> requirements = new ArrayList<>();
    List<String> terms = splitTerms(text);
    terms.sort(null);
    for (String term : terms) {
      if (term.isEmpty()) {
        continue;
      }
      FieldRequirement requirement = null;
      for (int i = 0; i < term.length() && requirement == null; i++) {
        for (String operator : List.of("!=", "==", "=")) {
          if (term.startsWith(operator, i)) {
            requirement =
                new FieldRequirement(
                    term.substring(0, i),
                    !operator.equals("!="),
                    unescape(term.substring(i + operator.length())));
            break;
          }
        }
      }
      if (requirement == null) {
        throw new MalformedException(
            "invalid selector: '%s'; can't understand '%s'".formatted(text, term));
      }
      requirements.add(requirement);
    }
    return new Fields(requirements);
  }

  private static List<String> splitTerms(String text) {
    List<String> terms = new ArrayList<>();
    StringBuilder term = new StringBuilder();
    boolean escaped = false;
    for (char c : text.toCharArray()) {
      if (!escaped && c == ',') {
        terms.add(term.toString());
        term.setLength(0);
        continue;
      }
      escaped = !escaped && c == '\\';
      term.append(c);
    }
    terms.add(term.toString());
    return terms;
  }

  private static String unescape(String value) throws MalformedException {
    StringBuilder plain = new StringBuilder();
    boolean escaped = false;
    for (char c : value.toCharArray()) {
      if (escaped) {
        if (c != '\\' && c != ',' && c != '=') {
          throw new MalformedException("invalid field selector: invalid escape sequence: \\" + c);
        }
        plain.append(c);
        escaped = false;
      } else if (c == '\\') {
        escaped = true;
      } else if (c == ',' || c == '=') {
        throw new MalformedException("invalid field selector: unescaped character in value: " + c);
      } else {
        plain.append(c);
      }
    }
    if (escaped) {
      throw new MalformedException("invalid field selector: unterminated escape sequence");
    }
    return plain.toString();
  }

  static Labels labels(String text) throws MalformedException {
    return new Labels(new LabelParser(text).parse());
  }

  /**
   * The parser of label selectors, token by token as the server's, since its complaints name
   * tokens.
   */
  private static final class LabelParser {
    private enum Kind {
      IDENTIFIER,
      OPERATOR,
      IN,
      NOT_IN,
      COMMA,
      OPEN,
      CLOSE,
      NOT,
      ERROR,
      END
    }

    private record Token(Kind kind, String text) {}

    private final List<Token> tokens = new ArrayList<>();
    private int at;

    LabelParser(String text) {
      int i = 0;
      while (true) {
        while (i < text.length() && " \t\r\n".indexOf(text.charAt(i)) >= 0) {
          i++;
        }
        if (i >= text.length()) {
          break;
        }
        if (special(text.charAt(i))) {
          int start = i;
          String literal = null;
          int end = i;
          StringBuilder seen = new StringBuilder();
          while (i < text.length() && special(text.charAt(i))) {
            seen.append(text.charAt(i));
            i++;
            if (kindOf(seen.toString()) != null) {
              literal = seen.toString();
              end = i;
            } else if (literal != null) {
              break;
            }
          }
          if (literal == null) {
            tokens.add(
                new Token(
                    Kind.ERROR,
                    "error expected: keyword found '" + text.substring(start, i) + "'"));
          } else {
            i = end;
            Kind kind = kindOf(literal);
            tokens.add(new Token(kind == null ? Kind.ERROR : kind, literal));
          }
        } else {
          int start = i;
          while (i < text.length()
              && !special(text.charAt(i))
              && " \t\r\n".indexOf(text.charAt(i)) < 0) {
            i++;
          }
          String word = text.substring(start, i);
          tokens.add(
              new Token(
                  word.equals("in")
                      ? Kind.IN
                      : word.equals("notin") ? Kind.NOT_IN : Kind.IDENTIFIER,
                  word));
        }
      }
      tokens.add(new Token(Kind.END, ""));
    }

    private static boolean special(char c) {
      return "=!(),><".indexOf(c) >= 0;
    }

    private static @Nullable Kind kindOf(String literal) {
      return switch (literal) {
        case ")" -> Kind.CLOSE;
        case "," -> Kind.COMMA;
        case "!" -> Kind.NOT;
        case "(" -> Kind.OPEN;
        case "=", "==", "!=", ">", "<" -> Kind.OPERATOR;
        default -> null;
      };
    }

    private Token look(boolean values) {
      Token token = tokens.get(at);
      return values && (token.kind() == Kind.IN || token.kind() == Kind.NOT_IN)
          ? new Token(Kind.IDENTIFIER, token.text())
          : token;
    }

    private Token take(boolean values) {
      Token token = look(values);
      if (at < tokens.size() - 1) {
        at++;
      }
      return token;
    }

    List<LabelRequirement> parse() throws MalformedException {
      List<LabelRequirement> requirements = new ArrayList<>();
      while (true) {
        Token token = look(true);
        switch (token.kind()) {
          case IDENTIFIER, NOT -> {
            try {
              requirements.add(requirement());
            } catch (MalformedException e) {
              throw new MalformedException("unable to parse requirement: " + e.getMessage());
            }
            Token next = take(true);
            if (next.kind() == Kind.END) {
              return requirements;
            }
            if (next.kind() != Kind.COMMA) {
              throw new MalformedException(
                  "found '" + next.text() + "', expected: ',' or 'end of string'");
            }
            Token after = look(true);
            if (after.kind() != Kind.IDENTIFIER && after.kind() != Kind.NOT) {
              throw new MalformedException(
                  "found '" + after.text() + "', expected: identifier after ','");
            }
          }
          case END -> {
            return requirements;
          }
          default ->
              throw new MalformedException(
                  "found '" + token.text() + "', expected: !, identifier, or 'end of string'");
        }
      }
    }

    private LabelRequirement requirement() throws MalformedException {
      Token token = take(true);
      boolean not = token.kind() == Kind.NOT;
      if (not) {
        token = take(true);
      }
      if (token.kind() != Kind.IDENTIFIER) {
        throw new MalformedException("found '" + token.text() + "', expected: identifier");
      }
      String key = token.text();
      List<String> faults = Names.labelKey(key);
      if (!faults.isEmpty()) {
        throw new MalformedException(
            "<nil>: Invalid value: " + Go.quote(key) + ": " + String.join("; ", faults));
      }
      Kind next = look(true).kind();
      if (not) {
        return new LabelRequirement(key, Operator.DOES_NOT_EXIST, List.of());
      }
      if (next == Kind.END || next == Kind.COMMA) {
        return new LabelRequirement(key, Operator.EXISTS, List.of());
      }
      Token operator = take(false);
      List<String> values;
      Operator meaning;
      switch (operator.kind()) {
        case IN, NOT_IN -> {
          meaning = operator.kind() == Kind.IN ? Operator.IN : Operator.NOT_IN;
          values = values();
        }
        case OPERATOR -> {
          meaning =
              switch (operator.text()) {
                case "!=" -> Operator.NOT_IN;
                case ">" -> Operator.GREATER;
                case "<" -> Operator.LESS;
                default -> Operator.IN;
              };
          values = List.of(exactValue());
        }
        default ->
            throw new MalformedException(
                "found '" + operator.text() + "', expected: in, notin, =, ==, !=, gt, lt");
      }
      for (int i = 0; i < values.size(); i++) {
        String value = values.get(i);
        if (meaning == Operator.GREATER || meaning == Operator.LESS) {
          try {
            Long.parseLong(value);
          } catch (NumberFormatException e) {
            throw new MalformedException(
                "values["
                    + i
                    + "]: Invalid value: "
                    + Go.quote(value)
                    + ": for 'Gt', 'Lt' operators, the value must be an integer");
          }
        }
        List<String> wrong = Names.labelValue(value);
        if (!wrong.isEmpty()) {
          throw new MalformedException(
              "values["
                  + i
                  + "]["
                  + key
                  + "]: Invalid value: "
                  + Go.quote(value)
                  + ": "
                  + String.join("; ", wrong));
        }
      }
      return new LabelRequirement(key, meaning, values);
    }

    private String exactValue() throws MalformedException {
      Kind next = look(true).kind();
      if (next == Kind.END || next == Kind.COMMA) {
        return "";
      }
      Token token = take(true);
      if (token.kind() != Kind.IDENTIFIER) {
        throw new MalformedException("found '" + token.text() + "', expected: identifier");
      }
      return token.text();
    }

    private List<String> values() throws MalformedException {
      Token open = take(true);
      if (open.kind() != Kind.OPEN) {
        throw new MalformedException("found '" + open.text() + "' expected: '('");
      }
      Token first = look(true);
      TreeSet<String> values = new TreeSet<>();
      switch (first.kind()) {
        case CLOSE -> {
          take(true);
          return List.of("");
        }
        case IDENTIFIER, COMMA -> {
          while (true) {
            Token token = take(true);
            if (token.kind() == Kind.IDENTIFIER) {
              values.add(token.text());
              Token after = look(true);
              if (after.kind() == Kind.CLOSE) {
                break;
              }
              if (after.kind() != Kind.COMMA) {
                throw new MalformedException("found '" + after.text() + "', expected: ',' or ')'");
              }
            } else if (token.kind() == Kind.COMMA) {
              if (values.isEmpty()) {
                values.add("");
              }
              Kind after = look(true).kind();
              if (after == Kind.CLOSE) {
                values.add("");
                break;
              }
              if (after == Kind.COMMA) {
                values.add("");
              }
            } else {
              throw new MalformedException(
                  "found '" + token.text() + "', expected: ',', or identifier");
            }
          }
          Token close = take(true);
          if (close.kind() != Kind.CLOSE) {
            throw new MalformedException("found '" + first.text() + "', expected: ')'");
          }
          return List.copyOf(values);
        }
        default ->
            throw new MalformedException(
                "found '" + first.text() + "', expected: ',', ')' or identifier");
      }
    }
  }
}
